#include "tools/training/mistakes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/training/small_run.h"
#include "tools/training/evaluate.h"

namespace training {
namespace {

/// Four images of three classes: right, a little wrong, very wrong, wrong as the second.
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

TEST(Evaluate, counts_the_fifth_class_as_right_and_the_sixth_as_wrong) {
  const Predictions fifth_and_sixth{
      .logits = engine::Tensor::of<float>({2, 6}, {6, 5, 4, 3, 2, 1, 6, 5, 4, 3, 2, 1}),
      .labels = {4, 5},
      .files = {"a", "b"},
      .seconds = 0};
  const Evaluation e = evaluate(fifth_and_sixth, {"0", "1", "2", "3", "4", "5"}, {0, 1, 2, 3, 4, 5});
  EXPECT_EQ(e.top5, 50);
  EXPECT_EQ(e.top1, 0);
}

TEST(Evaluate, refuses_logits_that_are_not_finite_with_the_name_of_the_image) {
  for (const std::size_t image : {0, 3}) {
    Predictions spoilt = predictions();
    spoilt.logits.data<float>()[3 * image] = std::nanf("");
    try {
      evaluate(spoilt, {"x", "y", "z"}, {0, 1, 2});
      ADD_FAILURE() << "taken";
    } catch (const engine::Error& e) {
      EXPECT_NE(std::string(e.what()).find("the logits of " + spoilt.files[image]), std::string::npos)
          << e.what();
    }
  }
}

TEST(Evaluate, gives_precision_recall_and_f1_of_every_class_in_percent) {
  Predictions half = predictions();
  half.labels = {0, 0, 0, 2};
  Evaluation e = evaluate(half, {"x", "y", "z"}, {0, 1, 2});
  using Classes = std::vector<ClassFigures>;
  EXPECT_EQ(e.per_class, (Classes{{100, 100, 100, 3}, {}, {100, 100, 100, 1}})) << "none is of the second";
  EXPECT_EQ(macro_mean(e), (ClassFigures{100, 100, 100, 4})) << "which does not count";

  half.labels = {0, 2, 1, 2};  // x, x, x, z are predicted
  e = evaluate(half, {"x", "y", "z"}, {0, 1, 2});
  ASSERT_EQ(e.per_class.size(), 3u);
  const auto expect_near = [](const ClassFigures& found, const ClassFigures& right) {
    EXPECT_NEAR(found.precision, right.precision, 1e-12);
    EXPECT_NEAR(found.recall, right.recall, 1e-12);
    EXPECT_NEAR(found.f1, right.f1, 1e-12);
    EXPECT_EQ(found.support, right.support);
  };
  // scikit-learn 1.8.0's classification_report of the same has these figures.
  expect_near(e.per_class[0], {100.0 / 3, 100, 50, 1});
  expect_near(e.per_class[1], {0, 0, 0, 1});
  expect_near(e.per_class[2], {100, 50, 200.0 / 3, 2});
  expect_near(macro_mean(e), {400.0 / 9, 50, 350.0 / 9, 4});
  expect_near(weighted_mean(e), {175.0 / 3, 50, 275.0 / 6, 4});
}

TEST(PredictSplit, gives_an_image_the_same_logits_in_batches_of_any_size) {
  const SmallRun folder;
  auto run = open_run(folder.config(), {"train", "val"});
  const auto logits = [&](Index batch_size) {
    const Predictions all = predict_split(run.loaded.model, run.splits.val, run.loaded.preprocessing,
                                          {0, 1, 2}, {.batch_size = batch_size, .workers = 0, .part = ""});
    EXPECT_EQ(all.files.size(), 6u);
    return std::vector<float>(all.logits.data<float>().begin(), all.logits.data<float>().end());
  };
  EXPECT_EQ(logits(1), logits(6));
  EXPECT_EQ(logits(4), logits(6));
}

TEST(Evaluate, counts_what_was_taken_for_what) {
  const Evaluation e = evaluate(predictions(), {"x", "y", "z"}, {0, 1, 2});
  EXPECT_EQ(e.top1, 25);
  EXPECT_EQ(to_json(e)["confusion"].dump(), "[[1,0,0],[2,0,1],[0,0,0]]");
  EXPECT_TRUE(to_json(e, 9).contains("confusion")) << "as many cells as may be";
  EXPECT_FALSE(to_json(e, 8).contains("confusion"));
  EXPECT_EQ(to_json(e)["per_class"].dump(), R"({"x":100.0,"y":0.0,"z":null})");
  EXPECT_EQ(to_json(e)["report"]["z"].dump(), R"({"precision":null,"recall":null,"f1":null,"support":0})");
  EXPECT_EQ(to_json(e)["report"]["x"]["recall"], 100.0);
  EXPECT_EQ(to_json(e)["macro"]["support"], 4);
  EXPECT_EQ(to_json(e)["weighted"]["recall"], 25.0);
}

TEST(Evaluate, of_a_hundred_thousand_classes_takes_memory_for_the_images_and_leaves_the_matrix_out) {
  constexpr Index kClasses = 100'000;  // 80 GB as a matrix
  std::vector<std::string> names;
  std::vector<Index> map;
  for (Index i = 0; i < kClasses; ++i) names.push_back(std::to_string(i)), map.push_back(i);
  engine::Tensor logits = engine::Tensor::zeros({1, kClasses});
  logits.data<float>()[7] = 1;
  const Evaluation e = evaluate({.logits = logits, .labels = {9}, .files = {"a"}, .seconds = 0}, names, map);
  EXPECT_EQ(e.confusion[9], (std::map<Index, Index>{{7, 1}}));
  EXPECT_FALSE(to_json(e).contains("confusion"));
  EXPECT_EQ(to_json(e)["top1"], 0);
}

TEST(MistakesJson, names_the_classes) {
  const Predictions all = predictions();
  Evaluator evaluator({"x", "y", "z"}, {0, 1, 2}, 3);
  evaluator.add(all.logits, all.labels, all.files);
  const auto json = mistakes_json("test", evaluator.mistakes(), {"x", "y", "z"});
  EXPECT_EQ(json["split"], "test");
  EXPECT_EQ(json["images"], 4);
  ASSERT_EQ(json["mistakes"].size(), 3u);
  EXPECT_EQ(json["mistakes"][2]["class"], "y");
  EXPECT_EQ(json["mistakes"][2]["predicted"], "z");
}

}  // namespace
}  // namespace training
