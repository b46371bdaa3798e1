#pragma once

#include "peft/attaching.h"
#include "peft/options.h"

namespace peft {

/// A trained increment of low rank of a linear layer's weight W [out, in]: scale B A with A [rank, in] and
/// B [out, rank], B zero at first.
class LowRank {
 public:
  struct Options {
    engine::Index rank = 8;
    double alpha = 8;
    bool rslora = false;  ///< scale = alpha / sqrt(rank) (Kalajdzievski 2023) in place of alpha / rank
  };
  LowRank(const Site& site, const Options& options, std::uint64_t seed);

  /// scale B A x.
  engine::Tensor operator()(const engine::Tensor& x) const;
  /// W + scale B A.
  engine::Tensor added_to(const engine::Tensor& w) const;

  engine::Parameter a, b;

 private:
  double scale_;
};

/// --rank, --alpha, --rslora and --targets.
std::vector<OptionInfo> low_rank_options();
LowRank::Options read_low_rank(const OptionValues& values);

}  // namespace peft
