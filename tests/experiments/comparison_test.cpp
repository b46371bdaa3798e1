#include "tools/experiments/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "tools/experiments/comparison_tables.h"

namespace experiments {
namespace {

using engine::Json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr Stage kSearch = Stage::search, kFinal = Stage::final;

TEST(Plan, shows_something_of_all_methods_and_tasks_before_it_repeats_with_other_seeds) {
  // Two tasks; the first method has two rates to choose among, the second has one.
  EXPECT_THAT(plan_runs(2, {{0.1, 0.2}, {0.3}}, 2),
              ElementsAre(PlannedRun{0, 0, 0.1, 0, kSearch}, PlannedRun{0, 0, 0.2, 0, kSearch},
                          PlannedRun{0, 0, {}, 0, kFinal}, PlannedRun{0, 1, 0.3, 0, kFinal},
                          PlannedRun{1, 0, 0.1, 0, kSearch}, PlannedRun{1, 0, 0.2, 0, kSearch},
                          PlannedRun{1, 0, {}, 0, kFinal}, PlannedRun{1, 1, 0.3, 0, kFinal},
                          PlannedRun{0, 0, {}, 1, kFinal}, PlannedRun{0, 1, 0.3, 1, kFinal},
                          PlannedRun{1, 0, {}, 1, kFinal}, PlannedRun{1, 1, 0.3, 1, kFinal}));
}

RunRecord searched(double lr, double top1, double loss) {
  return {.lr = lr, .stage = kSearch, .top1 = top1, .loss = loss};
}

TEST(Rate, is_chosen_by_accuracy_then_loss_then_the_lower_one) {
  EXPECT_FALSE(choose_rate({}));
  EXPECT_EQ(choose_rate({searched(0.1, 70, 9), searched(0.2, 80, 10), searched(0.3, 75, 1)}), 0.2);
  EXPECT_EQ(choose_rate({searched(0.1, 80, 0.6), searched(0.2, 80, 0.5), searched(0.3, 80, 0.7)}), 0.2);
  EXPECT_EQ(choose_rate({searched(0.3, 80, 0.5), searched(0.1, 80, 0.5), searched(0.2, 80, 0.5)}), 0.1);
}

TEST(Rate, is_that_of_a_run_which_came_to_its_end) {
  std::vector<RunRecord> runs{searched(0.1, 90, 1), searched(0.2, 80, 1)};
  runs[0].stopped_after = 4;
  EXPECT_EQ(choose_rate(runs), 0.2);
  runs.pop_back();
  EXPECT_FALSE(choose_rate(runs));
}

TEST(FolderName, is_the_label_where_it_can_be_and_never_leads_elsewhere) {
  EXPECT_EQ(folder_name("grft rows"), "grft rows");
  EXPECT_EQ(folder_name("grft,k=2,anchor=0.01"), "grft,k=2,anchor=0.01");
  std::set<std::string> names;
  const std::vector<std::string> labels{"a/b", "a%2Fb", "..", ".", "%2E.", "../a", "a\\b", "*", "Ä", "a\nb"};
  for (const std::string& label : labels) {
    const std::string name = folder_name(label);
    EXPECT_EQ(name.find('/'), std::string::npos) << name;
    EXPECT_FALSE(name.starts_with('.')) << name;
    EXPECT_TRUE(names.insert(name).second) << name << " stands for two";
  }
}

TEST(RunPath, has_the_shortest_rate) {
  EXPECT_EQ(run_path("flowers", "a/b", 1e-3, 4, kSearch), "runs/flowers/a%2Fb/lr0.001-seed4-search");
  EXPECT_EQ(run_path("flowers", "grft", 5e-4, 0, kFinal), "runs/flowers/grft/lr0.0005-seed0-final");
}

RunRecord tested(const char* task, const char* method, Index seed, double top1) {
  return {.task = task,
          .method = method,
          .lr = 0.1,
          .seed = seed,
          .stage = kFinal,
          .top1 = top1,
          .loss = 0.5,
          .ece = 0.25,
          .trainable = 10,
          .total = 1000,
          .delta_bytes = 400,
          .seconds = 9,
          .seconds_per_epoch = 2,
          .score_seconds = 1,
          .peak_mb = 30};
}

Json head() {
  return {{"settings", {{"seeds", {0, 1}}}},
          {"methods", {{{"label", "one"}}, {{"label", "two|\"2\""}}, {{"label", "none"}}}},
          {"tasks", {{{"name", "x"}}, {{"name", "y"}}}}};
}

std::vector<RunRecord> some_runs() {
  std::vector<RunRecord> runs{tested("x", "one", 0, 70), tested("x", "one", 1, 74), tested("y", "one", 0, 50),
                              tested("x", "two|\"2\"", 0, 73), tested("y", "two|\"2\"", 0, 50)};
  runs[1].lr = 0.2, runs[1].delta_bytes = 410, runs[1].trainable = 20;
  runs[1].resumed = true, runs[1].score_seconds = 0, runs[1].peak_mb = 3, runs[1].seconds_per_epoch = 5;
  runs.insert(runs.begin(), searched(0.1, 99, 0.1));
  runs[0].task = "x", runs[0].method = "one";
  return runs;
}

TEST(ComparisonJson, has_a_row_with_means_over_seeds_and_tasks_for_every_tested_method) {
  const Json all = comparison_json(head(), some_runs());
  EXPECT_EQ(all["format"], "espalier-compare");
  EXPECT_EQ(all["version"], 1);
  EXPECT_EQ(all["espalier"], ESPALIER_VERSION);
  ASSERT_EQ(all["table"].size(), 2u) << "none was not tested";
  const Json& one = all["table"][0];
  EXPECT_EQ(one["method"], "one");
  EXPECT_EQ(one["accuracy"]["x"]["mean"], 72.0) << "of final runs alone";
  EXPECT_NEAR(one["accuracy"]["x"]["sd"], std::sqrt(8.0), 1e-12);
  EXPECT_EQ(one["accuracy"]["x"]["seeds"], 2);
  EXPECT_EQ(one["accuracy"]["y"]["sd"], Json()) << "one seed does not deviate";
  EXPECT_EQ(one["mean"], 61.0) << "over tasks, not runs";
  EXPECT_EQ(one["rank"], 1.75) << "second on x, shared first on y";
  EXPECT_NEAR(one["trainable"], 40.0 / 3, 1e-12);
  EXPECT_NEAR(one["percent"], 4.0 / 3, 1e-12);
  EXPECT_NEAR(one["delta_bytes"], 1210.0 / 3, 1e-12);
  EXPECT_EQ(one["seconds_per_epoch"], 3.0);
  EXPECT_EQ(one["score_seconds"], 1.0) << "a resumed run has measured only its last part";
  EXPECT_EQ(one["peak_mb"], 30.0);
  EXPECT_EQ(all["table"][1]["rank"], 1.25);
}

TEST(ComparisonJson, has_runs_with_the_figures_of_their_stage) {
  const Json runs = comparison_json(head(), some_runs())["runs"];
  ASSERT_EQ(runs.size(), 6u);
  EXPECT_EQ(runs[0]["stage"], "search");
  EXPECT_EQ(runs[0]["val_top1"], 99.0);
  EXPECT_EQ(runs[0]["val_loss"], 0.1);
  EXPECT_FALSE(runs[0].contains("test_top1"));
  EXPECT_EQ(runs[1]["stage"], "final");
  EXPECT_EQ(runs[1]["test_top1"], 70.0);
  EXPECT_EQ(runs[1]["test_loss"], 0.5);
  EXPECT_EQ(runs[1]["test_ece"], 0.25);
  EXPECT_FALSE(runs[1].contains("val_top1"));
}

TEST(ComparisonJson, has_a_stopped_run_with_its_epochs_and_without_a_delta) {
  std::vector<RunRecord> runs = some_runs();
  const Json before = comparison_json(head(), runs);
  runs.insert(runs.begin(), searched(0.3, 40, 2));
  runs[0].task = "x", runs[0].method = "one", runs[0].stopped_after = 2, runs[0].seconds = 3;
  const Json all = comparison_json(head(), runs);
  EXPECT_EQ(all["runs"][0]["stopped_after"], 2);
  EXPECT_EQ(all["runs"][0]["val_top1"], 40.0);
  EXPECT_EQ(all["runs"][0]["seconds"], 3.0);
  EXPECT_FALSE(all["runs"][0].contains("delta_bytes"));
  EXPECT_FALSE(all["runs"][1].contains("stopped_after"));
  EXPECT_EQ(all["table"], before["table"]);
  EXPECT_EQ(csv_table(all), csv_table(before));
  Json halved = all;
  EXPECT_EQ(markdown_tables(all), markdown_tables(before));
  halved["settings"]["search"] = "halving";
  EXPECT_THAT(markdown_tables(halved), HasSubstr("chosen on val by halving: "));
}

TEST(ComparisonJson, has_null_where_a_task_is_missing) {
  std::vector<RunRecord> runs = some_runs();
  runs.pop_back();
  const Json two = comparison_json(head(), runs)["table"][1];
  EXPECT_EQ(two["mean"], Json());
  EXPECT_EQ(two["rank"], Json());
  EXPECT_FALSE(two["accuracy"].contains("y"));
  EXPECT_FALSE(two["lr"].contains("y"));
}

TEST(ComparisonJson, has_pairs_over_the_tasks_that_both_were_tested_on) {
  const Json pairs = comparison_json(head(), some_runs())["pairs"];
  ASSERT_EQ(pairs.size(), 1u);
  EXPECT_EQ(pairs[0]["a"], "two|\"2\"");
  EXPECT_EQ(pairs[0]["b"], "one");
  EXPECT_EQ(pairs[0]["tasks"], 2);
  EXPECT_EQ(pairs[0]["mean_difference"], 0.5);
  EXPECT_EQ(pairs[0]["wins"], 1);
  EXPECT_EQ(pairs[0]["losses"], 0);
  EXPECT_EQ(pairs[0]["ties"], 1);
  EXPECT_EQ(pairs[0]["p"], 1.0);
}

TEST(ComparisonJson, takes_accuracies_for_equal_that_differ_by_the_order_of_adding) {
  std::vector<RunRecord> runs;
  for (const double top1 : {0.1, 0.2, 0.3}) runs.push_back(tested("x", "one", 0, top1));
  for (const double top1 : {0.3, 0.2, 0.1}) runs.push_back(tested("x", "none", 0, top1));
  ASSERT_NE((0.1 + 0.2 + 0.3) / 3, (0.3 + 0.2 + 0.1) / 3);
  const Json all = comparison_json(head(), runs);
  EXPECT_EQ(all["pairs"][0]["ties"], 1);
}

TEST(ComparisonJson, of_no_runs_has_empty_lists) {
  const Json all = comparison_json(head(), {});
  for (const char* list : {"runs", "table", "pairs"}) EXPECT_EQ(all[list], Json::array()) << list;
  EXPECT_THAT(markdown_tables(all), HasSubstr("| method | x | y | mean |"));
}

TEST(Markdown, rounds_figures_and_keeps_its_columns_whatever_a_label_has) {
  const std::string text = markdown_tables(comparison_json(head(), some_runs()));
  EXPECT_THAT(
      text,
      HasSubstr("| one | 72.00 ± 2.83 | 50.00 | 61.00 | 1.75 | 13 | 1.33 | 403 B | 3.00 | 30 | 1.0 |\n"));
  EXPECT_THAT(text, HasSubstr("| two\\|\"2\" | 73.00 | 50.00 |"));
  EXPECT_THAT(text, HasSubstr("| against one |"));
  EXPECT_THAT(text, HasSubstr("| two\\|\"2\" | 2 | 0.50 | 1 | 0 | 1 | 1.000 |"));
}

TEST(Markdown, says_when_features_were_known) {
  std::vector<RunRecord> runs = some_runs();
  EXPECT_EQ(markdown_tables(comparison_json(head(), runs)).find("features"), std::string::npos);
  runs[2].knew_features = true;
  EXPECT_THAT(markdown_tables(comparison_json(head(), runs)), HasSubstr("features"));
}

TEST(Csv, has_all_digits_and_quotes_what_needs_it) {
  const std::string text = csv_table(comparison_json(head(), some_runs()));
  EXPECT_THAT(text, HasSubstr("method,x mean,x sd,x seeds,x lr,y mean,y sd,y seeds,y lr,mean,rank,trainable,"
                              "percent,delta_bytes,seconds_per_epoch,peak_mb,score_seconds\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\none,72.0,2.8284271247461903,2,0.1,50.0,,1,0.1,61.0,1.75,"));
  EXPECT_THAT(text, HasSubstr("\r\n\"two|\"\"2\"\"\",73.0,,1,0.1,"));
}

}  // namespace
}  // namespace experiments
