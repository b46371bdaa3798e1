#include "data/mix.h"

#include <gmock/gmock.h>

#include "tests/data/support.h"

namespace data {
namespace {

Random stream(std::uint64_t i) {
  return Random(2, Random::Use::mix, i);
}

Tensor counting(Index n, Index side) {
  std::vector<float> values(static_cast<std::size_t>(n * 3 * side * side));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  return Tensor::of({n, 3, side, side}, values);
}

TEST(Mix, mixup_is_a_weighted_sum_with_the_reversed_batch) {
  for (Index n : {1, 4, 5}) {
    const Tensor before = counting(n, 3);
    Tensor after = before.clone();
    mix(after, {.lambda = 0.3});
    const auto x = before.data<float>();
    const Index size = 27;
    for (Index i = 0; i < n; ++i)
      for (Index k = 0; k < size; ++k) {
        const float expected = x[i * size + k] * 0.3f + x[(n - 1 - i) * size + k] * 0.7f;
        EXPECT_FLOAT_EQ(after.data<float>()[i * size + k], expected);
      }
  }
}

TEST(Mix, cutmix_swaps_a_box_and_nothing_else) {
  const Index n = 3, side = 5;
  const Tensor before = counting(n, side);
  Tensor after = before.clone();
  const Box box{1, 2, 3, 2};
  mix(after, {.lambda = 1 - 6.0 / 25, .box = box});
  for (Index i = 0; i < n; ++i)
    for (Index c = 0; c < 3; ++c)
      for (Index y = 0; y < side; ++y)
        for (Index x = 0; x < side; ++x) {
          const bool inside = x >= 1 && x < 4 && y >= 2 && y < 4;
          const Index from = inside ? n - 1 - i : i;
          EXPECT_EQ(after.data<float>()[((i * 3 + c) * side + y) * side + x],
                    before.data<float>()[((from * 3 + c) * side + y) * side + x]);
        }
}

TEST(Mix, draws_as_timm_does) {
  int boxes = 0, sum_boxes = 0;
  double lambda = 0;
  constexpr int draws = 4000;
  for (std::uint64_t i = 0; i < draws; ++i) {
    Random random = stream(i);
    const Mixing mixing = draw_mixing(0.8, 1.0, 32, 48, random);
    ASSERT_GE(mixing.lambda, 0);
    ASSERT_LE(mixing.lambda, 1);
    const Box& box = mixing.box;
    ASSERT_TRUE(box.left >= 0 && box.top >= 0 && box.left + box.width <= 48 && box.top + box.height <= 32);
    if (box.width > 0) {
      ++boxes;
      EXPECT_DOUBLE_EQ(mixing.lambda, 1 - static_cast<double>(box.width * box.height) / (32 * 48));
    } else {
      lambda += mixing.lambda;
      ++sum_boxes;
    }
  }
  EXPECT_NEAR(static_cast<double>(boxes) / draws, 0.5, 0.06);  // some boxes are empty
  EXPECT_NEAR(lambda / sum_boxes, 0.5, 0.05);
  Random random = stream(0);
  EXPECT_EQ(draw_mixing(0, 0, 8, 8, random), Mixing{});
  for (std::uint64_t i = 0; i < 50; ++i) {
    Random only = stream(i);
    EXPECT_EQ(draw_mixing(0.8, 0, 8, 8, only).box, Box{});
  }
  EXPECT_THAT(error_of([&] { draw_mixing(-1, 0, 8, 8, random); }), testing::HasSubstr("mixup"));
}

TEST(Mix, targets_share_a_label_between_partners) {
  const std::vector<Index> labels = {0, 2, 2, 1};
  const Tensor targets = mixed_targets(labels, 3, 0.75);
  EXPECT_THAT(std::vector<float>(targets.data<float>().begin(), targets.data<float>().end()),
              testing::ElementsAre(0.75f, 0.25f, 0, 0, 0, 1, 0, 0, 1, 0.25f, 0.75f, 0));
  EXPECT_THAT(error_of([&] { mixed_targets(labels, 2, 0.5); }), testing::HasSubstr("label 2"));
}

}  // namespace
}  // namespace data
