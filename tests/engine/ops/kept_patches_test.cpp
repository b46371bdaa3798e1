// Ops on the patches that images keep, beside the same on all patches, picked by hand.

#include "engine/ops/kept_patches.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "engine/ops/ops.h"
#include "tests/engine/ops/cases.h"
#include "tests/support/compare.h"
#include "tests/support/random_tensor.h"

namespace engine {
namespace {

using support::error_of;
using support::random_tensor;
using support::same_bits;

constexpr Index kImages = 3, kDown = 2, kAcross = 3, kPatches = kDown * kAcross, kKept = 4;

KeptPatches some() {
  return cases::some_patches(kImages, kPatches, kKept);
}

/// Of x [images, prefix + all patches, width] the prefix and the patches that are kept.
Tensor picked(const Tensor& x, const KeptPatches& kept) {
  const Index n = x.shape()[0], prefix = x.shape()[1] - kept.patches(), width = x.shape()[2];
  Tensor y = Tensor::uninitialized({n, prefix + kept.count(), width}, x.dtype());
  const auto from = x.data<double>();
  std::size_t to = 0;
  for (Index i = 0; i < n; ++i) {
    for (Index t = 0; t < prefix + kept.count(); ++t) {
      const Index token = t < prefix ? t : prefix + kept.data()[i * kept.count() + t - prefix];
      for (Index j = 0; j < width; ++j)
        y.data<double>()[to++] =
            from[static_cast<std::size_t>((i * (prefix + kept.patches()) + token) * width + j)];
    }
  }
  return y;
}

TEST(KeptPatches, are_all_by_default) {
  EXPECT_TRUE(KeptPatches().all());
  EXPECT_FALSE(some().all());
  EXPECT_EQ(some().images(), kImages);
  EXPECT_EQ(some().count(), kKept);
  EXPECT_EQ(some().patches(), kPatches);
}

TEST(KeptPatches, are_found_by_their_places) {
  EXPECT_EQ(KeptPatches(4, 2, {1, 3, 0, 1}).by_place(), (std::vector<Index>{-1, 0, -1, 1, 0, 1, -1, -1}));
}

TEST(KeptPatches, ascend_within_the_grid) {
  for (const std::vector<Index>& places :
       {std::vector<Index>{1, 1}, {2, 1}, {-1, 2}, {0, 4}, {0, 1, 2}, {0, 1, 3, 2}})
    EXPECT_NE(error_of([&] { KeptPatches(4, 2, places); }).find("kept patches"), std::string::npos);
  EXPECT_NE(error_of([] { KeptPatches(4, 5, {0, 1, 2, 3, 3}); }).find("kept patches"), std::string::npos);
  EXPECT_NE(error_of([] { KeptPatches(4, 0, {}); }).find("kept patches"), std::string::npos);
}

TEST(KeepPatches, cuts_to_the_rows_of_all_patches_that_are_kept) {
  const Tensor images = random_tensor({kImages, 2, 7, 9}, 1, Dtype::f64);  // a line beyond the last patch
  const KeptPatches kept = some();
  EXPECT_TRUE(same_bits(patches(keep_patches(images, 3, kept), 3), picked(patches(images, 3), kept)));
  EXPECT_TRUE(same_bits(keep_patches(images, 3, {}), images));
}

TEST(AddPositions, adds_to_kept_patches_their_own) {
  const Tensor x = random_tensor({kImages, 2 + kPatches, 5}, 1, Dtype::f64),
               positions = random_tensor({1, 2 + kPatches, 5}, 2, Dtype::f64);
  const KeptPatches kept = some();
  EXPECT_TRUE(
      same_bits(add_positions(picked(x, kept), positions, kept), picked(add_positions(x, positions), kept)));
}

TEST(Rotate, turns_kept_patches_by_their_own_angles) {
  const Tensor x = random_tensor({kImages, 1 + kPatches, 12}, 1, Dtype::f64),
               turns = mixed_turns(random_tensor({2, 1, 2, 2}, 2, Dtype::f64), 0, kDown, kAcross);
  const KeptPatches kept = some();
  for (const RotaryPairs pairs : {RotaryPairs::halves, RotaryPairs::neighbours}) {
    EXPECT_TRUE(same_bits(rotate(picked(x, kept), 8, turns, pairs, kept),
                          picked(rotate(x.clone(), 8, turns, pairs), kept)));
  }
}

TEST(Attention, of_kept_patches_has_the_biases_of_their_places) {
  const Index heads = 2, width = 3, tokens = 1 + kKept;
  const KeptPatches kept = some();
  const Tensor qkv = random_tensor({kImages, tokens, 3 * heads * width}, 1, Dtype::f64),
               table = random_tensor({RelativePositions::entries(kDown, kAcross), heads}, 2, Dtype::f64);
  const auto value = [&](Index image, Index token, Index third, Index head, Index j) {
    return qkv.data<double>()[static_cast<std::size_t>(
        ((image * tokens + token) * 3 + third) * heads * width + head * width + j)];
  };
  const auto entry = [&](Index image, Index query, Index key) {
    const Index last = (2 * kDown - 1) * (2 * kAcross - 1);
    if (query == 0) return key == 0 ? last + 2 : last;
    if (key == 0) return last + 1;
    const Index a = kept.data()[image * kKept + query - 1], b = kept.data()[image * kKept + key - 1];
    return (a / kAcross - b / kAcross + kDown - 1) * (2 * kAcross - 1) + a % kAcross - b % kAcross + kAcross -
           1;
  };
  const Tensor y = attention(qkv, heads, 0, {table, kDown, kAcross, kept});
  std::size_t at = 0;
  for (Index i = 0; i < kImages; ++i) {
    for (Index q = 0; q < tokens; ++q) {
      for (Index h = 0; h < heads; ++h) {
        std::vector<double> weights;
        for (Index k = 0; k < tokens; ++k) {
          double score = 0;
          for (Index j = 0; j < width; ++j) score += value(i, q, 0, h, j) * value(i, k, 1, h, j);
          weights.push_back(
              std::exp(score / std::sqrt(double(width)) +
                       table.data<double>()[static_cast<std::size_t>(entry(i, q, k) * heads + h)]));
        }
        const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
        for (Index j = 0; j < width; ++j) {
          double expected = 0;
          for (Index k = 0; k < tokens; ++k)
            expected += weights[static_cast<std::size_t>(k)] / total * value(i, k, 2, h, j);
          EXPECT_NEAR(y.data<double>()[at++], expected, 1e-13);
        }
      }
    }
  }
}

TEST(OpsOnKeptPatches, refuse_those_of_other_images_and_other_grids) {
  const KeptPatches kept = some();
  const Tensor images = Tensor::zeros({kImages, 1, 2, 3}), other = Tensor::zeros({kImages + 1, 1, 2, 3});
  EXPECT_EQ(error_of([&] { keep_patches(other, 1, kept); }),
            "keep_patches: patches kept of 3 images, but there are 4");
  EXPECT_EQ(error_of([&] {
              keep_patches(Tensor::zeros({kImages, 1, 2, 4}), 1, kept);
            }),
            "keep_patches: images [3, 1, 2, 4] do not have 6 patches of side 1");
  const Tensor x = Tensor::zeros({kImages, kKept, 4});
  EXPECT_NE(error_of([&] {
              add_positions(x, Tensor::zeros({1, kKept, 4}), kept);
            }).find("do not fit x"),
            std::string::npos);
  EXPECT_NE(error_of([&] {
              rotate(x, 4, Tensor::zeros({1, kKept, 2, 2}), RotaryPairs::halves, kept);
            }).find("do not fit x"),
            std::string::npos);
  EXPECT_NE(error_of([&] {
              attention(Tensor::zeros({kImages, 1 + kKept, 12}), 2, 0,
                        {Tensor::zeros({RelativePositions::entries(2, 2), 2}), 2, 2, kept});
            }).find("does not fit"),
            std::string::npos);
}

}  // namespace
}  // namespace engine
