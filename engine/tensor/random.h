#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "engine/tensor/tensor.h"

namespace engine {

/// Ten rounds of Philox 4x32 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

/// Random numbers that are a pure function of (seed, stream, position): the same for any thread count, and
/// nothing but integers to save. A stream is named by up to three numbers, e.g. (purpose, epoch, index).
class Random {
 public:
  /// What a stream is for, so that two uses of one seed never share numbers.
  /// The numbers are part of every result: they never change.
  enum class Use : std::uint32_t {
    weights = 1,
    shuffle = 2,
    augment = 3,
    mix = 4,
    drop_path = 5,
    test = 7,
    method = 8,
    cut = 9,
    patch_drop = 10,
  };

  Random(std::uint64_t seed, Use use, std::uint64_t a = 0, std::uint64_t b = 0);

  /// The next 32 random bits.
  std::uint32_t bits();
  /// Uniform in [0, 1), a multiple of 2^-53.
  double uniform();
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// A whole number in [0, count), every one equally likely.
  Index below(Index count);
  /// Standard normal, by the Box-Muller transform.
  double normal();
  /// Gamma with this shape and scale 1 (Marsaglia and Tsang 2000).
  double gamma(double shape);
  /// Beta(a, a), as mixup draws it.
  double beta(double a);
  /// The numbers 0 to count - 1 in random order (Fisher-Yates).
  std::vector<Index> permutation(Index count);

 private:
  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 4> counter_;
  std::array<std::uint32_t, 4> block_{};
  int used_ = 4;
};

/// Independent normal numbers with mean 0.
Tensor normal(Shape shape, Random& random, double std, Dtype dtype = Dtype::f32);
/// The same, drawn again while outside [-2, 2], as timm's trunc_normal_ does.
Tensor trunc_normal(Shape shape, Random& random, double std, Dtype dtype = Dtype::f32);

}  // namespace engine
