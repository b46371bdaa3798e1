#pragma once

#include "peft/adapters/attaching.h"
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

/// The linear layers that match one of the patterns. Throws an Error when a pattern matches none, and when
/// the rank is more than a layer can have: memory is taken for it.
std::vector<Site> low_rank_sites(engine::Module& model, const std::vector<std::string>& patterns,
                                 engine::Index rank);
void check_rank(const Site& site, engine::Index rank);

/// --rank, --alpha, --rslora and --targets.
std::vector<OptionInfo> low_rank_options();
LowRank::Options read_low_rank(const OptionValues& values);

/// A method that attaches adapters A, made of a site, the options and a seed, to linear layers.
template <class A>
class LowRankMethod : public AttachingMethod {
 public:
  explicit LowRankMethod(const OptionValues& values)
      : options_(read_low_rank(values)), targets_(values.list("targets")), seed_(values.seed()) {}

 protected:
  std::vector<Site> where(engine::Module& model) const override {
    return low_rank_sites(model, targets_, options_.rank);
  }
  std::unique_ptr<engine::Adapter> make(const Site& site, engine::Module&) const override {
    return std::make_unique<A>(site, options_, seed_);
  }

 private:
  LowRank::Options options_;
  std::vector<std::string> targets_;
  std::uint64_t seed_;
};

}  // namespace peft
