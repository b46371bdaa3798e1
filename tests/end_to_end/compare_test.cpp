#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <sstream>
#include <thread>

#include "tests/end_to_end/garden.h"

namespace end_to_end {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

/// Two tasks to compare methods on.
class Comparison : public Garden {
 public:
  Comparison() {
    write_pictures(path() / "more/train", {"left", "right"}, 9);
    write_pictures(path() / "more/val", {"left", "right"}, 3, 20);
    write_pictures(path() / "more/test", {"left", "right"}, 4, 40);
  }
  std::string out(const std::string& name = "compared") const { return *this / name; }
  /// 2 methods x 2 tasks x 2 rates x 2 seeds.
  Words words(const std::string& name = "compared") const {
    return {"compare",
            "--out",
            out(name),
            "--model",
            model(),
            "--task",
            "colours=" + data(),
            "--task",
            "sides=" + (*this / "more"),
            "--methods",
            "linear;grft rows=grft,axis=row,anchor=0.1",
            "--lrs",
            "0.003,0.03",
            "--seeds",
            "2",
            "--epochs",
            "3",
            "--batch-size",
            "6",
            "--threads",
            "2"};
  }
  fs::path run_of(const std::string& run, const std::string& name = "compared") const {
    return fs::path(out(name)) / "runs" / run;
  }
};

/// compare.json without what tells time or memory, and where it lies.
Json timeless(const fs::path& folder) {
  Json all = read_json(folder / "compare.json");
  for (const char* list : {"runs", "table"}) {
    for (Json& one : all[list])
      for (const char* field : {"seconds", "seconds_per_epoch", "score_seconds", "peak_mb", "resumed"})
        one.erase(field);
  }
  return all;
}

/// The cells of the rows of a Markdown file whose first cell is `first`.
std::vector<Words> rows(const std::string& markdown, const std::string& first) {
  std::vector<Words> found;
  std::istringstream text(markdown);
  for (std::string line; std::getline(text, line);) {
    Words cells;
    std::istringstream parts(line);
    for (std::string cell; std::getline(parts, cell, '|');)
      cells.push_back(cell.size() > 2 ? cell.substr(1, cell.size() - 2) : "");
    if (cells.size() > 1 && cells[1] == first) found.push_back(Words(cells.begin() + 1, cells.end()));
  }
  return found;
}

TEST(Compare, makes_every_run_of_the_protocol_and_writes_the_tables) {
  const Comparison garden;
  const Outcome outcome = run(garden.words() + Words{"--json"});
  const Json all = outcome.json();
  const fs::path folder = garden.out();
  EXPECT_EQ(all, read_json(folder / "compare.json"));
  EXPECT_EQ(all["settings"]["epochs"], 3);
  EXPECT_EQ(all["settings"]["batch_size"], 6);
  EXPECT_EQ(all["settings"]["image_size"], 16);
  EXPECT_EQ(all["settings"]["seeds"], Json({0, 1}));
  EXPECT_EQ(all["settings"]["lrs"], Json({0.003, 0.03}));
  EXPECT_EQ(all["methods"][1], Json({{"label", "grft rows"},
                                     {"method", "grft"},
                                     {"options", {{"axis", "row"}, {"anchor", "0.1"}}},
                                     {"lrs", {0.003, 0.03}}}));
  EXPECT_EQ(all["tasks"][1], Json({{"name", "sides"},
                                   {"data", garden / "more"},
                                   {"classes", 2},
                                   {"train", 18},
                                   {"val", 6},
                                   {"test", 8}}));
  ASSERT_EQ(all["runs"].size(), 2u * 2 * (2 + 2)) << "2 searches and 2 seeds";

  for (const Json& one : all["runs"]) {
    const bool search = one["stage"] == "search";
    std::ostringstream lr;
    lr << one["lr"].get<double>();
    const fs::path run =
        garden.run_of(one["task"].get<std::string>() + '/' + one["method"].get<std::string>() + "/lr" +
                      lr.str() + "-seed" + one["seed"].dump() + '-' + one["stage"].get<std::string>());
    const Json result = read_json(run / "result.json"), config = read_json(run / "config.json");
    EXPECT_EQ(config["on"], search ? "train" : "train+val");
    EXPECT_EQ(config["lr"], one["lr"]);
    EXPECT_EQ(config["seed"], one["seed"]);
    const std::string split = search ? "val" : "test";
    EXPECT_EQ(one[split + "_top1"], result[split]["top1"]) << run;
    EXPECT_EQ(one[split + "_loss"], result[split]["loss"]) << run;
    EXPECT_FALSE(result.contains(search ? "test" : "val")) << run;
    EXPECT_EQ(one["trainable"], result["trainable"]);
    EXPECT_GT(one["seconds_per_epoch"], 0);
    EXPECT_LT(one["seconds_per_epoch"], one["seconds"]);
    EXPECT_FALSE(fs::exists(run / "checkpoint.safetensors"));
    EXPECT_FALSE(fs::exists(run / "checkpoint.previous.safetensors"));
    EXPECT_TRUE(fs::exists(run / "delta.safetensors"));
    EXPECT_EQ(one["knew_features"], one["method"] == "linear");
    if (search) continue;
    // The rate is the best of the two searches.
    std::vector<std::tuple<double, double, double>> searches;
    for (const Json& s : all["runs"]) {
      if (s["stage"] == "search" && s["task"] == one["task"] && s["method"] == one["method"])
        searches.emplace_back(-s["val_top1"].get<double>(), s["val_loss"], s["lr"]);
    }
    ASSERT_EQ(searches.size(), 2u);
    EXPECT_EQ(one["lr"], std::get<2>(std::ranges::min(searches)));
  }

  // As tune alone makes it.
  const Json& first = *std::ranges::find_if(all["runs"], [](const Json& r) { return r["stage"] == "final"; });
  const Outcome alone =
      garden.tune("linear", {"--on", "train+val", "--epochs", "3", "--lr", first["lr"].dump()});
  EXPECT_EQ(alone.json()["test"]["loss"], first["test_loss"]);
  EXPECT_TRUE(fs::exists(folder / "features/colours/test.safetensors"))
      << "which spares a linear probe the pictures";
}

TEST(Compare, writes_tables_that_agree_with_its_json) {
  const Comparison garden;
  const Outcome outcome = run(garden.words());
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const Json all = read_json(fs::path(garden.out()) / "compare.json");
  const std::string markdown = read_text(fs::path(garden.out()) / "table.md"),
                    csv = read_text(fs::path(garden.out()) / "table.csv");
  EXPECT_EQ(outcome.out, markdown);
  ASSERT_EQ(all["table"].size(), 2u);
  std::istringstream lines(csv);
  std::string line;
  std::getline(lines, line);
  for (const Json& method : all["table"]) {
    double total = 0;
    for (const char* task : {"colours", "sides"}) {
      double sum = 0;
      int seeds = 0;
      for (const Json& r : all["runs"]) {
        if (r["stage"] != "final" || r["task"] != task || r["method"] != method["method"]) continue;
        sum += r["test_top1"].get<double>(), ++seeds;
      }
      EXPECT_EQ(seeds, 2);
      EXPECT_NEAR(method["accuracy"][task]["mean"], sum / seeds, 1e-9);
      total += sum / seeds;
    }
    EXPECT_NEAR(method["mean"], total / 2, 1e-9);

    const std::vector<Words> found = rows(markdown, method["method"]);
    ASSERT_GE(found.size(), 2u);
    EXPECT_NEAR(std::stod(found[0][1]), method["accuracy"]["colours"]["mean"], 0.0051) << found[0][1];
    EXPECT_NEAR(std::stod(found[0][3]), method["mean"], 0.0051);
    EXPECT_NEAR(std::stod(found[0][4]), method["rank"], 0.0051);
    EXPECT_EQ(std::stod(found[1][1]), method["lr"]["colours"]);
    std::getline(lines, line);
    EXPECT_EQ(line.find(method["method"].get<std::string>() + ',' +
                        method["accuracy"]["colours"]["mean"].dump() + ','),
              0u)
        << line;
  }
  ASSERT_EQ(all["pairs"].size(), 1u);
  EXPECT_EQ(all["pairs"][0]["a"], "grft rows");
  EXPECT_EQ(all["pairs"][0]["b"], "linear");
}

TEST(Compare, prints_its_runs_in_order_and_makes_none_with_dry_run) {
  const Comparison garden;
  const Outcome outcome = run(garden.words() + Words{"--dry-run"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  std::istringstream text(outcome.out);
  Words lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  ASSERT_EQ(lines.size(), 16u);
  EXPECT_EQ(lines[0], "search, colours, linear, lr 0.003 seed 0");
  EXPECT_EQ(lines[2], "final, colours, linear, best lr of 0.003/0.03 seed 0");
  EXPECT_EQ(lines[15], "final, sides, grft rows, best lr of 0.003/0.03 seed 1");
  EXPECT_FALSE(fs::exists(garden.out()));
}

TEST(Compare, trains_by_the_recipes_of_papers_where_nothing_else_is_said) {
  const Comparison garden;
  Words words = garden.words() + Words{"--recipe", "papers", "--json"};
  *(std::ranges::find(words, "--methods") + 1) = "linear,lrs=0.01;sift,rate=0.1;gps,epochs=2";
  words.erase(std::ranges::find(words, "--lrs"), std::ranges::find(words, "--lrs") + 2);
  const Json all = run(words).json();
  EXPECT_EQ(all["runs"].size(), 3u * 2 * 2);
  EXPECT_EQ(all["settings"]["recipe"], "papers");
  EXPECT_EQ(all["methods"][0]["options"], Json::object()) << "linear has none";
  EXPECT_EQ(all["methods"][1]["lrs"], Json({7e-5}));
  EXPECT_EQ(all["methods"][1]["options"], Json({{"targets", "blocks.*.attn.*.weight"},
                                                {"optimizer", "adamw"},
                                                {"schedule", "linear"},
                                                {"warmup-epochs", "0.6"},
                                                {"rate", "0.1"}}))
      << "without --epochs and --batch-size, which are given for all";
  const Json config = read_json(garden.run_of("sides/gps,epochs=2/lr0.002-seed1-final") / "config.json");
  EXPECT_EQ(config["epochs"], 2) << "its own";
  EXPECT_EQ(config["batch_size"], 6) << "of all";
  EXPECT_EQ(config["augment"], "vtab") << "its recipe's";
}

TEST(Compare, does_not_repeat_what_is_done) {
  const Comparison garden;
  ASSERT_EQ(run(garden.words()).status, 0);
  const std::string json = read_text(fs::path(garden.out()) / "compare.json");
  const Outcome again = run(garden.words());
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_FALSE(again.noted("run 1 of")) << again.err;
  EXPECT_EQ(read_text(fs::path(garden.out()) / "compare.json"), json);

  // A run that is gone is made again, with the same bits; what was made with other options is not taken.
  const fs::path search = garden.run_of("sides/grft rows/lr0.03-seed0-search");
  const std::string delta = read_text(search / "delta.safetensors");
  fs::remove_all(search);
  const Outcome mended = run(garden.words());
  EXPECT_TRUE(mended.noted("search, sides, grft rows, lr 0.03 seed 0")) << mended.err;
  EXPECT_FALSE(mended.noted("final,")) << mended.err;
  EXPECT_TRUE(read_text(search / "delta.safetensors") == delta);

  Words other = garden.words();
  *(std::ranges::find(other, "--epochs") + 1) = "1";
  const Outcome shorter = run(other);
  EXPECT_EQ(shorter.status, 0) << shorter.err;
  EXPECT_TRUE(shorter.noted("run 16 of 16")) << shorter.err;
  EXPECT_EQ(read_json(search / "config.json")["epochs"], 1);

  // Pictures that are others, too.
  write_pictures(fs::path(garden / "more/train"), {"left", "right"}, 10);
  const Outcome grown = run(other);
  EXPECT_TRUE(grown.noted("sides")) << grown.err;
  EXPECT_FALSE(grown.noted("colours")) << grown.err;
}

TEST(Compare, leaves_the_test_pictures_alone_while_it_searches) {
  const Comparison garden;
  write_text(garden / "data/test/red/40.ppm", "none");  // whoever reads it fails
  const std::string error = run(garden.words()).error(1);
  EXPECT_THAT(error, AllOf(HasSubstr("4 of 16 runs failed"), HasSubstr("final, colours, linear")));
  const Json runs = read_json(fs::path(garden.out()) / "compare.json")["runs"];
  int searches = 0;
  for (const Json& r : runs) {
    searches += r["stage"] == "search";
    EXPECT_TRUE(r["stage"] == "search" || r["task"] == "sides");
  }
  EXPECT_EQ(searches, 8);
}

TEST(Compare, names_a_run_that_fails_and_makes_the_others) {
  const Comparison garden;
  Words words = garden.words();
  // At this rate the weights overflow at once.
  *(std::ranges::find(words, "--methods") + 1) = "linear;wild=full,lrs=1e38;bitfit,lrs=1e-3/1e38";
  const Outcome outcome = run(words);
  const std::string error = outcome.error(1);
  EXPECT_TRUE(outcome.noted("failed: final, colours, wild, lr 1e+38 seed 0: ")) << outcome.err;
  EXPECT_TRUE(outcome.noted("not finite")) << outcome.err;
  EXPECT_THAT(error, AllOf(HasSubstr("6 of 20 runs failed"), HasSubstr("final, sides, wild"),
                           HasSubstr("search, sides, bitfit,lrs=1e-3/1e38, lr 1e+38")));
  const Json all = read_json(fs::path(garden.out()) / "compare.json");
  ASSERT_EQ(all["table"].size(), 2u);
  EXPECT_EQ(all["table"][0]["method"], "linear");
  EXPECT_EQ(all["table"][1]["lr"]["colours"], 1e-3) << "the rate that came to an end";
  EXPECT_EQ(all["runs"].size(), 14u);
}

/// Waits until a file of a run in `folder` has this text, or the program has ended.
void wait_for(Background& program, const fs::path& file, const std::string& text) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (std::chrono::steady_clock::now() < give_up && program.running()) {
    if (fs::exists(file) && read_text(file).find(text) != std::string::npos) break;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
}

TEST(Compare, goes_on_when_the_process_of_a_run_is_killed_and_makes_that_run_with_the_next_call) {
  const Comparison garden;
  Words words = garden.words();
  *(std::ranges::find(words, "--epochs") + 1) = "60";
  *(std::ranges::find(words, "--seeds") + 1) = "1";
  const Folder notes;
  Background comparison(words, notes / "err");
  const fs::path killed = garden.run_of("colours/grft rows/lr0.003-seed0-search");
  wait_for(comparison, killed / "metrics.jsonl", "\"step\":7,");
  int process = 0;
  ASSERT_EQ(std::sscanf(read_text(killed / "run.lock").c_str(), "process %d", &process), 1);
  ASSERT_EQ(::kill(process, SIGKILL), 0);
  EXPECT_EQ(comparison.wait(), 1);
  const std::string said = read_text(notes / "err");
  EXPECT_THAT(said,
              AllOf(HasSubstr("failed: search, colours, grft rows, lr 0.003 seed 0: it left with status 137"),
                    HasSubstr("run 12 of 12"), HasSubstr("1 of 12 runs failed")));
  const Outcome mended = run(words);
  EXPECT_EQ(mended.status, 0) << mended.err;
  EXPECT_TRUE(mended.noted("run 4 of 12")) << mended.err;
  EXPECT_FALSE(mended.noted("run 1 of 12")) << mended.err;
  EXPECT_EQ(read_json(fs::path(garden.out()) / "compare.json")["runs"].size(), 12u);
}

class Stopped : public ::testing::TestWithParam<int> {};

TEST_P(Stopped, comparison_goes_on_to_the_end_of_the_unbroken_one) {
  const Comparison garden;
  const Words longer{"--warmup-epochs", "2"};
  const auto words = [&](const char* name) {
    Words all = garden.words(name);
    *(std::ranges::find(all, "--epochs") + 1) = "60";
    *(std::ranges::find(all, "--seeds") + 1) = "1";
    return all + longer;
  };
  ASSERT_EQ(run(words("whole")).status, 0);

  const fs::path run_folder = garden.run_of("colours/grft rows/lr0.003-seed0-search", "broken");
  const Folder notes;
  Background stopped(words("broken"), notes / "err");
  wait_for(stopped, run_folder / "metrics.jsonl", "\"step\":7,");
  ASSERT_TRUE(stopped.running()) << "it was over before it could be stopped";
  const int signal = GetParam();
  ::kill(stopped.process(), signal);
  EXPECT_EQ(stopped.wait(), 128 + signal);
  if (signal != SIGKILL) {
    const std::string said = read_text(notes / "err");
    EXPECT_THAT(said, AllOf(HasSubstr("espalier: stopped by SIG"), HasSubstr("the same command goes on")));
    EXPECT_TRUE(fs::exists(run_folder / "checkpoint.safetensors")) << "the run has saved";
    EXPECT_FALSE(fs::exists(run_folder / "result.json"));
  }

  // After SIGKILL its run is told by SIGTERM, and may need a moment to save.
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  Outcome resumed = run(words("broken"));
  while (resumed.status != 0 && resumed.noted("writing this run") &&
         std::chrono::steady_clock::now() < give_up)
    resumed = run(words("broken"));
  EXPECT_EQ(resumed.status, 0) << resumed.err;
  Json broken = timeless(garden.out("broken"));
  EXPECT_EQ(broken, timeless(garden.out("whole")));
  EXPECT_TRUE(
      read_text(run_folder / "delta.safetensors") ==
      read_text(garden.run_of("colours/grft rows/lr0.003-seed0-search", "whole") / "delta.safetensors"));
  EXPECT_EQ(read_json(run_folder / "result.json")["resumed"], true);
}

INSTANTIATE_TEST_SUITE_P(, Stopped, ::testing::Values(SIGINT, SIGTERM, SIGKILL), [](const auto& s) {
  return std::string(s.param == SIGINT ? "by_SIGINT" : s.param == SIGTERM ? "by_SIGTERM" : "by_SIGKILL");
});

TEST(Compare, has_one_process_at_a_time_in_its_folder) {
  const Comparison garden;
  Words words = garden.words();
  *(std::ranges::find(words, "--epochs") + 1) = "1000";
  Background first(words);
  wait_for(first, fs::path(garden.out()) / "compare.json", "espalier-compare");
  ASSERT_TRUE(first.running());
  EXPECT_THAT(run(words).error(1),
              AllOf(HasSubstr("process " + std::to_string(first.process())), HasSubstr("at work")));
  ::kill(first.process(), SIGTERM);
  EXPECT_EQ(first.wait(), 128 + SIGTERM);
}

TEST(Compare, leaves_other_folders_alone) {
  const Comparison garden;
  write_text(fs::path(garden.out()) / "mine.txt", "mine");
  EXPECT_THAT(run(garden.words()).error(2), HasSubstr("compare.lock"));
  EXPECT_EQ(std::distance(fs::directory_iterator(garden.out()), {}), 1);
}

struct WrongWords {
  const char* name;
  Words instead;  ///< an option of the comparison and its other value; with "" it is left out
  std::string says;
  int status = 2;
};
void PrintTo(const WrongWords& w, std::ostream* os) {
  *os << w.name;
}
class WrongComparison : public ::testing::TestWithParam<WrongWords> {};

TEST_P(WrongComparison, is_told_before_anything_runs) {
  const Comparison garden;
  Words words = garden.words();
  const auto& [name, instead, says, status] = GetParam();
  const auto at = std::ranges::find(words, instead[0]);
  if (at == words.end())
    words = words + instead;
  else if (instead[1].empty())
    words.erase(at, at + 2);
  else
    *(at + 1) = instead[1];
  EXPECT_THAT(run(words).error(status), HasSubstr(says));
  EXPECT_FALSE(fs::exists(garden.out()));
}

INSTANTIATE_TEST_SUITE_P(
    , WrongComparison,
    ::testing::Values(WrongWords{"no_out", {"--out", ""}, "--out DIR is needed"},
                      WrongWords{"no_model", {"--model", ""}, "a model is needed"},
                      WrongWords{"no_methods", {"--methods", ""}, "--methods"},
                      WrongWords{"empty_methods", {"--methods", ";"}, "--methods"},
                      WrongWords{"no_rates", {"--lrs", ""}, "has no learning rates"},
                      WrongWords{"rate_twice", {"--lrs", "0.1,1e-1"}, "twice"},
                      WrongWords{"misspelt_method", {"--methods", "linear;grtf"}, "did you mean grft"},
                      WrongWords{"misspelt_option", {"--methods", "grft,ancor=1"}, "did you mean --anchor"},
                      WrongWords{"option_of_another_method", {"--methods", "grft,rate=0.1"}, "rate"},
                      WrongWords{"wrong_value", {"--methods", "linear;grft,axis=rwo"}, "axis"},
                      WrongWords{"wrong_tune_value", {"--methods", "linear,epochs=0"}, "--epochs"},
                      WrongWords{"too_many_rows", {"--methods", "linear;grft,k=1000"}, "1000"},
                      WrongWords{
                          "contradicting_options", {"--methods", "linear,momentum=0.9"}, "--optimizer sgd"},
                      WrongWords{"min_lr_above_a_rate", {"--min-lr", "0.01"}, "--min-lr"},
                      WrongWords{"one_seed", {"--seed", "3"}, "--seeds"},
                      WrongWords{"no_seeds", {"--seeds", "0"}, "--seeds"},
                      WrongWords{"task_without_a_name", {"--task", "elsewhere"}, "NAME=FOLDER"},
                      WrongWords{"task_without_a_folder", {"--task", "a="}, "folder"},
                      WrongWords{"task_twice", {"--task", "sides=data"}, "two tasks are called 'sides'"},
                      WrongWords{"missing_pictures", {"--task", "a=/nowhere"}, "/nowhere", 1},
                      WrongWords{"missing_model", {"--model", "/nowhere"}, "/nowhere", 1},
                      WrongWords{"misspelt_word", {"--epoch", "3"}, "did you mean --epochs"}),
    [](const auto& w) { return std::string(w.param.name); });

TEST(Compare, needs_a_test_split_and_one_to_choose_on) {
  const Comparison garden;
  fs::remove_all(garden / "more/test");
  EXPECT_THAT(run(garden.words()).error(1), HasSubstr("no test split"));
  fs::create_directories(garden / "more/test");
  write_pictures(fs::path(garden / "more/test"), {"left", "right"}, 1);
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
