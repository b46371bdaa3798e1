#include "tools/experiments/report/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/io/temporary_folder.h"
#include "tests/experiments/report/comparison.h"
#include "tests/support/compare.h"

namespace experiments {
namespace {

using engine::put;
using engine::TemporaryFolder;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Json = nlohmann::ordered_json;

TEST(ReportOfComparison, holds_the_figures_in_the_order_of_the_tasks) {
  const TemporaryFolder folder;
  put(folder / "compare.json", sample_comparison().dump());
  const Json report = report_of_comparison(folder / "compare.json");
  EXPECT_EQ(report["kind"], "comparison");
  EXPECT_EQ(report["tasks"][1]["name"], "signs");
  const Json& row = report["table"][0];
  EXPECT_EQ(row["method"], "grft rows");
  EXPECT_EQ(row["lr"].dump(), "[0.001,null]");
  EXPECT_EQ(row["accuracy"].dump(), R"([{"mean":70.25,"sd":0.5,"seeds":2.0},null])");
  EXPECT_EQ(row["mean"], nullptr);
  EXPECT_EQ(row["delta_bytes"], 241716);
  EXPECT_EQ(row["trainable"], 5525381) << "a count is not rounded";
  EXPECT_EQ(report["pairs"][0]["p"], 0.5);
  EXPECT_EQ(report["search"].dump(), R"([["flowers","grft rows",0.001,61.5]])")
      << "finals are not of the search";
}

TEST(ReportOfComparison, tells_the_searches_that_were_stopped_from_the_others) {
  const TemporaryFolder folder;
  Json comparison = sample_comparison();
  comparison["runs"].push_back({{"task", "flowers"},
                                {"method", "grft rows"},
                                {"lr", 0.003},
                                {"seed", 0},
                                {"stage", "search"},
                                {"stopped_after", 2},
                                {"val_top1", 40.0}});
  put(folder / "compare.json", comparison.dump());
  EXPECT_EQ(report_of_comparison(folder / "compare.json")["search"].dump(),
            R"([["flowers","grft rows",0.001,61.5],["flowers","grft rows",0.003,40.0,2]])");
  comparison["runs"].back()["stopped_after"] = "early";
  put(folder / "compare.json", comparison.dump());
  EXPECT_THAT(engine::message_of<engine::Error>([&] { report_of_comparison(folder / "compare.json"); }),
              HasSubstr("stopped_after"));
}

TEST(ReportOfComparison, says_which_field_is_wrong) {
  struct Wrong {
    const char *place, *value, *error;
  };
  const TemporaryFolder folder;
  const std::string file = folder / "compare.json";
  for (const Wrong& wrong : {Wrong{"/format", "\"other\"", "format"},
                             {"/version", "2", "version"},
                             {"/settings", "[]", "settings"},
                             {"/tasks", "{}", "tasks"},
                             {"/tasks/0/name", "7", "name"},
                             {"/table/0", "null", "table"},
                             {"/table/0/mean", "\"high\"", "mean"},
                             {"/table/0/accuracy", "1", "accuracy"},
                             {"/table/0/accuracy/flowers", "70", "accuracy"},
                             {"/table/0/lr/flowers", "\"x\"", "lr"},
                             {"/pairs/0/b", "null", "b"},
                             {"/runs/0/lr", "true", "lr"},
                             {"/runs/0/stage", "0", "stage"}}) {
    Json comparison = sample_comparison();
    comparison[Json::json_pointer(wrong.place)] = Json::parse(wrong.value);
    put(file, comparison.dump());
    EXPECT_THAT(support::error_of([&] { report_of_comparison(file); }),
                AllOf(StartsWith(file), HasSubstr(wrong.error)))
        << wrong.place;
  }
}

TEST(ReportOfComparison, with_a_changed_byte_is_read_or_refused_by_name) {
  const TemporaryFolder folder;
  const std::string file = folder / "compare.json", whole = sample_comparison().dump();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ (1 << i % 7));
    put(file, changed);
    try {
      report_of_comparison(file);
    } catch (const engine::Error& e) {
      EXPECT_THAT(e.what(), StartsWith(file));
    }
  }
}

}  // namespace
}  // namespace experiments
