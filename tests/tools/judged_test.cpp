#include "tools/judged.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace tools {
namespace {

/// Four pictures of three classes: right, a little wrong, very wrong, wrong as the second.
Predictions predictions() {
  return {.logits = engine::Tensor::of<float>({4, 3}, {5, 0, 0, 1, 0, 0, 9, 0, 0, 0, 0, 1}),
          .labels = {0, 1, 1, 1},
          .files = {"a", "b", "c", "d"},
          .seconds = 0};
}

TEST(WorstMistakes, are_those_with_the_lowest_probability_of_the_true_class) {
  const std::vector<Mistake> worst = worst_mistakes(predictions(), 24);
  ASSERT_EQ(worst.size(), 3u);
  EXPECT_EQ(worst[0].file, "c");
  EXPECT_EQ(worst[1].file, "b") << "ties stay in the order of the split";
  EXPECT_EQ(worst[2].file, "d");
  EXPECT_EQ(worst[2].predicted, 2);
  EXPECT_EQ(worst[0].label, 1);
  EXPECT_NEAR(worst[0].p_label, 1 / (std::exp(9) + 2), 1e-9);
  EXPECT_NEAR(worst[0].p_predicted, std::exp(9) / (std::exp(9) + 2), 1e-9);
  EXPECT_EQ(worst_mistakes(predictions(), 1).size(), 1u);
}

TEST(JudgedJson, names_the_classes) {
  const auto json = judged_json("test", predictions(), {"x", "y", "z"});
  EXPECT_EQ(json["split"], "test");
  EXPECT_EQ(json["images"], 4);
  ASSERT_EQ(json["mistakes"].size(), 3u);
  EXPECT_EQ(json["mistakes"][2]["class"], "y");
  EXPECT_EQ(json["mistakes"][2]["predicted"], "z");
}

}  // namespace
}  // namespace tools
