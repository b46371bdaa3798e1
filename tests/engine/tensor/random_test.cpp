#include "engine/tensor/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace engine {
namespace {

// Known answers published with Random123 (kat_vectors, philox4x32 10).
TEST(Philox, matches_the_published_answers) {
  using Counter = std::array<std::uint32_t, 4>;
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Counter{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u}));
  const std::uint32_t ones = 0xffffffffu;
  EXPECT_EQ(philox({ones, ones, ones, ones}, {ones, ones}),
            (Counter{0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu}));
  EXPECT_EQ(philox({0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}, {0xa4093822u, 0x299f31d0u}),
            (Counter{0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u}));
}

TEST(Random, is_a_function_of_seed_use_and_stream) {
  auto first = [](std::uint64_t seed, Random::Use use, std::uint64_t a, std::uint64_t b) {
    return Random(seed, use, a, b).bits();
  };
  const auto base = first(1, Random::Use::shuffle, 2, 3);
  EXPECT_EQ(base, first(1, Random::Use::shuffle, 2, 3));
  EXPECT_NE(base, first(2, Random::Use::shuffle, 2, 3));
  EXPECT_NE(base, first(1, Random::Use::augment, 2, 3));
  EXPECT_NE(base, first(1, Random::Use::shuffle, 3, 2));
}

TEST(Random, moments_are_those_of_the_distribution) {
  Random random(0, Random::Use::test);
  constexpr int n = 200000;
  double sum = 0, squares = 0, uniform = 0, beta = 0;
  for (int i = 0; i < n; ++i) {
    const double x = random.normal();
    sum += x, squares += x * x, uniform += random.uniform();
  }
  for (int i = 0; i < n / 10; ++i) {
    const double x = random.beta(0.8);
    beta += (x - 0.5) * (x - 0.5);
  }
  EXPECT_NEAR(sum / n, 0, 0.01);
  EXPECT_NEAR(squares / n, 1, 0.01);
  EXPECT_NEAR(uniform / n, 0.5, 0.003);
  EXPECT_NEAR(beta / (n / 10), 1 / (4 * (2 * 0.8 + 1)), 0.003);  // variance of Beta(a, a)
}

TEST(Random, beta_of_almost_nothing_lies_at_both_ends) {
  Random random(0, Random::Use::test);
  int ones = 0;
  for (int i = 0; i < 1000; ++i) {
    const double x = random.beta(1e-5);
    ASSERT_TRUE(x == 0 || x == 1) << x;
    ones += x == 1;
  }
  EXPECT_NEAR(ones, 500, 80);
}

// A use that changes its number changes every result of it.
TEST(Random, uses_keep_their_numbers) {
  EXPECT_EQ(static_cast<int>(Random::Use::drop_path), 5);
  EXPECT_EQ(static_cast<int>(Random::Use::test), 7);
  EXPECT_EQ(static_cast<int>(Random::Use::patch_drop), 10);
}

TEST(Random, permutation_holds_every_number_once) {
  std::vector<Index> order = Random(3, Random::Use::shuffle).permutation(1001);
  EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
  std::sort(order.begin(), order.end());
  std::vector<Index> expected(1001);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(order, expected);
}

TEST(Random, below_is_uniform) {
  Random random(5, Random::Use::test);
  std::array<int, 7> counts{};
  for (int i = 0; i < 70000; ++i) ++counts[static_cast<std::size_t>(random.below(7))];
  for (int count : counts) EXPECT_NEAR(count, 10000, 400);
}

TEST(Random, trunc_normal_stays_inside_two) {
  Random random(1, Random::Use::weights);
  const Tensor t = trunc_normal({1000}, random, 1.0);
  float largest = 0;
  for (float v : t.data<float>()) largest = std::max(largest, std::abs(v));
  EXPECT_LE(largest, 2.0f);
  EXPECT_GT(largest, 1.9f);  // about 12 of 1,000 lie further out
}

}  // namespace
}  // namespace engine
