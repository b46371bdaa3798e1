#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/end_to_end/comparison.h"

namespace end_to_end {
namespace {

using ::testing::HasSubstr;

struct WrongWords {
  const char* name;
  Words instead;  ///< an option of the comparison and its other value; with "" it is left out
  std::string error;
  int status = 2;
};
void PrintTo(const WrongWords& w, std::ostream* os) {
  *os << w.name;
}
class WrongComparison : public ::testing::TestWithParam<WrongWords> {};

TEST_P(WrongComparison, is_refused_before_anything_runs) {
  const Comparison garden;
  Words words = garden.words();
  const auto& [name, instead, error, status] = GetParam();
  const auto at = std::ranges::find(words, instead[0]);
  if (at == words.end())
    words = words + instead;
  else if (instead[1].empty())
    words.erase(at, at + 2);
  else
    *(at + 1) = instead[1];
  EXPECT_THAT(run(words).error(status), HasSubstr(error));
  EXPECT_FALSE(fs::exists(garden.out()));
}

INSTANTIATE_TEST_SUITE_P(
    , WrongComparison,
    ::testing::Values(
        WrongWords{"no_out", {"--out", ""}, "--out DIR is needed"},
        WrongWords{"no_model", {"--model", ""}, "a model is needed"},
        WrongWords{"no_methods", {"--methods", ""}, "--methods SPEC;SPEC;... is needed"},
        WrongWords{"empty_methods", {"--methods", ";"}, "--methods SPEC;SPEC;... is needed"},
        WrongWords{"no_rates", {"--lrs", ""}, "has no learning rates"},
        WrongWords{"rate_twice", {"--lrs", "0.1,1e-1"}, "twice"},
        WrongWords{"misspelt_method", {"--methods", "linear;grtf"}, "did you mean grft"},
        WrongWords{"misspelt_option", {"--methods", "grft,ancor=1"}, "did you mean --anchor"},
        WrongWords{"option_of_another_method",
                   {"--methods", "grft,rate=0.1"},
                   "': method grft has no option --rate"},
        WrongWords{"wrong_value", {"--methods", "linear;grft,axis=rwo"}, "--axis takes row|column"},
        WrongWords{"wrong_tune_value", {"--methods", "linear,epochs=0"}, "--epochs takes 1 or more, not 0"},
        WrongWords{"too_many_rows", {"--methods", "linear;grft,k=1000"}, "--k 1000 is more than"},
        WrongWords{"contradicting_options", {"--methods", "linear,momentum=0.9"}, "--optimizer sgd"},
        WrongWords{"min_lr_above_a_rate", {"--min-lr", "0.01"}, "--min-lr is above"},
        WrongWords{"one_seed", {"--seed", "3"}, "--seeds"},
        WrongWords{"no_seeds", {"--seeds", "0"}, "--seeds takes 1 or more, not 0"},
        WrongWords{"task_without_a_name", {"--task", "elsewhere"}, "NAME=FOLDER"},
        WrongWords{"task_without_a_folder", {"--task", "a="}, "--task a=: the folder is missing"},
        WrongWords{"task_twice", {"--task", "sides=data"}, "two tasks are called 'sides'"},
        WrongWords{"missing_images", {"--task", "a=/nowhere"}, "/nowhere", 1},
        WrongWords{"missing_model", {"--model", "/nowhere"}, "/nowhere", 1},
        WrongWords{"misspelt_word", {"--epoch", "3"}, "did you mean --epochs"}),
    [](const auto& w) { return std::string(w.param.name); });

TEST(Compare, needs_a_test_split_and_one_to_choose_on) {
  const Comparison garden;
  fs::remove_all(garden / "more/test");
  EXPECT_THAT(run(garden.words()).error(1), HasSubstr("no test split"));
  fs::create_directories(garden / "more/test");
  write_images(fs::path(garden / "more/test"), {"left", "right"}, 1);
  fs::remove_all(garden / "more/val");
  EXPECT_THAT(run(garden.words()).error(1), HasSubstr("no val split"));
  Words one_rate = garden.words();
  *(std::ranges::find(one_rate, "--lrs") + 1) = "0.01";
  const Outcome outcome = run(one_rate + Words{"--json"});
  EXPECT_EQ(outcome.json()["runs"].size(), 2u * 2 * 2) << "no search is needed";
  EXPECT_EQ(read_json(garden.run_of("sides/linear/lr0.01-seed1-final") / "config.json")["on"], "train");
}

}  // namespace
}  // namespace end_to_end
