#include "tools/experiments/runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <functional>
#include <memory>

#include <utility>

#include "engine/base/text.h"
#include "engine/io/json.h"
#include "tests/engine/io/temporary_folder.h"
#include "tools/experiments/comparison_folder.h"
#include "tools/training/usage_error.h"

namespace experiments {
namespace {

using engine::get;
using engine::message_of;
using engine::put;
using engine::TemporaryFolder;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

/// Eight images that nobody looks at.
struct EightImages : data::Dataset {
  data::Index size() const override { return 8; }
  std::string name(data::Index) const override { return {}; }
  data::Index label(data::Index) const override { return 0; }
  data::Image image(data::Index) const override { return {}; }
};

/// A comparison of "search" with rates 0.1 and 0.2 and "fixed" with 0.3 on one task, whose runs only write
/// files.
class RunnerTest : public ::testing::Test {
 protected:
  RunnerTest() {
    const auto images = std::make_shared<EightImages>();
    config_.out = folder_ / "out";
    config_.methods = {{"search", "grft", Json::object(), {0.1, 0.2}},
                       {"fixed", "linear", Json::object(), {0.3}}};
    data::Splits splits;
    splits.classes = {"a", "b"};
    splits.train = splits.val = splits.test = images;
    config_.tasks = {{"flowers", "/flowers", splits}};
    config_.settings = {{"seeds", {0}}};
  }

  Runner runner() {
    RunnerHooks hooks;
    hooks.arguments = [this](const PlannedRun& run, double lr) {
      return std::vector<std::string>{run_folder(config_, run, lr).string(), engine::shortest(lr)};
    };
    hooks.epochs = [](const PlannedRun&, double) { return 8; };
    hooks.identity = [this](const PlannedRun&, double lr) { return identity(lr); };
    hooks.note = [this](const std::string& text) { notes_.push_back(text); };
    hooks.stop_signal = [this] { return signal_; };
    hooks.start = [this](const std::vector<std::string>& arguments, const ChildHooks& child) {
      started_.push_back(fs::relative(arguments[0], config_.out / "runs/flowers").string() +
                         (arguments.size() > 2 ? ' ' + arguments[2] : "") +
                         (arguments.size() > 3 ? ' ' + arguments[3] : ""));
      return run_(arguments, child);
    };
    return Runner(config_, std::move(hooks));
  }

  Json identity(double lr) const {
    return {{"lr", lr}, {"batch_size", 2}, {"grad_accum", 1}, {"data", data_}};
  }

  /// What a run leaves that gets better with its rate.
  ChildEnd finish(const std::vector<std::string>& arguments) const {
    const double lr = engine::parse_number(arguments[1], "lr");
    const fs::path run = arguments[0];
    fs::create_directories(run);
    Json config = identity(lr);
    config.update({{"features", ""}, {"images", 8}});
    put(run / "config.json", config.dump());
    put(run / "metrics.jsonl", "{\"kind\":\"step\",\"step\":0,\"images_per_s\":4.0}\n");
    put(run / "checkpoint.safetensors", "of no more use");
    const Json split{{"top1", 100 * lr}, {"loss", 1 - lr}, {"ece", 0.0}};
    const Json result{{"val", split},   {"test", split},    {"trainable", 1},
                      {"total", 10},    {"delta_bytes", 3}, {"seconds", 1.5},
                      {"peak_mb", 2.0}, {"resumed", false}, {"phases", {{"score", 0.5}}}};
    put(run / "result.json", result.dump());
    return {};
  }

  TemporaryFolder folder_;
  ComparisonConfig config_;
  std::string data_ = "/flowers";
  int signal_ = 0;
  std::vector<std::string> notes_, started_;
  std::function<ChildEnd(const std::vector<std::string>&, const ChildHooks&)> run_ =
      [this](const auto& arguments, const ChildHooks&) { return finish(arguments); };
};

TEST_F(RunnerTest, makes_the_runs_in_order_and_the_final_one_with_the_best_rate) {
  Runner runner = this->runner();
  EXPECT_EQ(runner.make_runs(), std::nullopt);
  EXPECT_THAT(started_, ElementsAre("search/lr0.1-seed0-search", "search/lr0.2-seed0-search",
                                    "search/lr0.2-seed0-final", "fixed/lr0.3-seed0-final"));
  EXPECT_THAT(notes_,
              ElementsAre("run 1 of 4: search, flowers, search, lr 0.1 seed 0", "  val 10.00 %, 1.5 s",
                          "run 2 of 4: search, flowers, search, lr 0.2 seed 0", "  val 20.00 %, 1.5 s",
                          "run 3 of 4: final, flowers, search, best lr of 0.1/0.2 seed 0 (0.2)",
                          "  test 20.00 %, 1.5 s", "run 4 of 4: final, flowers, fixed, lr 0.3 seed 0",
                          "  test 30.00 %, 1.5 s"));
  const Json all = runner.json();
  EXPECT_EQ(all, engine::read_json(config_.out / "compare.json"));
  EXPECT_EQ(all["runs"].size(), 4);
  EXPECT_EQ(all["runs"][2]["seconds_per_epoch"], 0.5 * 4) << "4 steps of 2 images at 4 images/s";
  EXPECT_EQ(all["table"][0]["lr"]["flowers"], 0.2);
  EXPECT_EQ(all["methods"][0]["lrs"], Json({0.1, 0.2}));
  EXPECT_EQ(all["tasks"][0].dump(),
            R"({"name":"flowers","data":"/flowers","classes":2,"train":8,"val":8,"test":8})");
  for (const char* file : {"table.md", "table.csv", "report.html"})
    EXPECT_TRUE(fs::exists(config_.out / file));
  EXPECT_FALSE(fs::exists(config_.out / "runs/flowers/fixed/lr0.3-seed0-final/checkpoint.safetensors"));
}

TEST_F(RunnerTest, takes_finished_runs_from_their_folders_and_refuses_those_of_another_identity) {
  runner().make_runs();
  started_.clear();
  Runner again = runner();
  EXPECT_EQ(again.make_runs(), std::nullopt);
  EXPECT_THAT(started_, IsEmpty());
  EXPECT_EQ(again.json()["runs"].size(), 4);

  const std::string before = get(config_.out / "compare.json");
  data_ = "/other-flowers";
  EXPECT_THAT(message_of<training::UsageError>([&] { runner().make_runs(); }),
              HasSubstr("3 runs were made with other options or data: data was \"/flowers\" and is "
                        "\"/other-flowers\"; give them as they were"));
  EXPECT_THAT(started_, IsEmpty());
  EXPECT_EQ(get(config_.out / "compare.json"), before) << "nothing is emptied";

  config_.overwrite = true;
  runner().make_runs();
  EXPECT_THAT(started_,
              ElementsAre("search/lr0.1-seed0-search --overwrite", "search/lr0.2-seed0-search --overwrite",
                          "search/lr0.2-seed0-final --overwrite", "fixed/lr0.3-seed0-final --overwrite"));
}

TEST_F(RunnerTest, keeps_earlier_tables_until_there_is_a_result_to_show) {
  runner().make_runs();
  const auto tables = [&] {
    std::string all;
    for (const char* file : {"compare.json", "table.md", "table.csv", "report.html"})
      all += get(config_.out / file);
    return all;
  };
  const std::string before = tables();
  const auto finish_all = run_;
  run_ = [&](const auto&, const ChildHooks&) {
    EXPECT_EQ(tables(), before);
    signal_ = SIGTERM;
    return ChildEnd{128 + SIGTERM, "stopped by SIGTERM"};
  };
  const ComparisonConfig compared = config_;
  config_.overwrite = true, data_ = "/other-flowers";  // other data
  EXPECT_NE(runner().make_runs(), std::nullopt);
  config_ = compared, data_ = "/flowers";
  config_.methods.push_back({"another", "full", Json::object(), {0.4}});
  signal_ = 0;
  EXPECT_NE(runner().make_runs(), std::nullopt);
  EXPECT_EQ(tables(), before);

  signal_ = 0, run_ = finish_all;
  EXPECT_EQ(runner().make_runs(), std::nullopt);
  EXPECT_EQ(engine::read_json(config_.out / "compare.json")["table"].size(), 3);
  config_ = compared, started_.clear();
  EXPECT_EQ(runner().make_runs(), std::nullopt);
  EXPECT_THAT(started_, IsEmpty());
  EXPECT_EQ(engine::read_json(config_.out / "compare.json")["table"].size(), 2) << "what is asked for";
}

TEST_F(RunnerTest, resumes_a_run_and_never_starts_it_over_by_itself) {
  runner().make_runs();
  const fs::path run = config_.out / "runs/flowers/fixed/lr0.3-seed0-final";
  fs::remove(run / "result.json");
  started_.clear();
  runner().make_runs();
  EXPECT_THAT(started_, ElementsAre("fixed/lr0.3-seed0-final --resume"));

  fs::remove(run / "result.json");
  started_.clear();
  run_ = [this](const auto& arguments, const ChildHooks&) {
    return arguments.back() == "--resume" ? ChildEnd{2, "other images"} : finish(arguments);
  };
  EXPECT_THAT(message_of<engine::Error>([&] { runner().make_runs(); }), HasSubstr("1 of 4 runs failed"));
  EXPECT_THAT(started_, ElementsAre("fixed/lr0.3-seed0-final --resume"));
}

TEST_F(RunnerTest, names_the_runs_that_fail_and_makes_the_others) {
  run_ = [this](const auto& arguments, const ChildHooks&) {
    if (arguments[1] == "0.1") return ChildEnd{1, "the loss is not finite"};
    return arguments[1] == "0.2" ? ChildEnd{137, ""} : finish(arguments);
  };
  Runner runner = this->runner();
  EXPECT_EQ(
      message_of<engine::Error>([&] { runner.make_runs(); }),
      "3 of 4 runs failed (search, flowers, search, lr 0.1 seed 0; search, flowers, search, lr 0.2 seed 0; "
      "final, flowers, search, best lr of 0.1/0.2 seed 0); the same command tries them again");
  EXPECT_THAT(notes_, ::testing::IsSupersetOf(
                          {"failed: search, flowers, search, lr 0.1 seed 0: the loss is not finite",
                           "failed: search, flowers, search, lr 0.2 seed 0: exited with status 137",
                           "failed: final, flowers, search, best lr of 0.1/0.2 seed 0: every run of its "
                           "learning-rate search failed"}));
  EXPECT_EQ(runner.json()["runs"].size(), 1);
}

TEST_F(RunnerTest, chooses_among_the_rates_whose_run_did_not_fail) {
  run_ = [this](const auto& arguments, const ChildHooks&) {
    return arguments[1] == "0.2" ? ChildEnd{1, "the loss is not finite"} : finish(arguments);
  };
  Runner runner = this->runner();
  EXPECT_THAT(message_of<engine::Error>([&] { runner.make_runs(); }), HasSubstr("1 of 4 runs failed"));
  EXPECT_EQ(runner.json()["table"][0]["lr"]["flowers"], 0.1);
}

TEST_F(RunnerTest, remembers_a_search_that_diverged_as_the_worst_and_a_final_run_that_did_as_failed) {
  run_ = [this](const auto& arguments, const ChildHooks&) {
    if (arguments[1] == "0.1") return finish(arguments);
    finish(arguments);
    fs::remove(fs::path(arguments[0]) / "result.json");
    put(fs::path(arguments[0]) / "diverged.json", "{}");
    return ChildEnd{1, "the loss of step 3 is nan"};
  };
  Runner runner = this->runner();
  EXPECT_THAT(message_of<engine::Error>([&] { runner.make_runs(); }), HasSubstr("1 of 4 runs failed (final"));
  const Json all = runner.json();
  EXPECT_EQ(all["table"][0]["lr"]["flowers"], 0.1);
  EXPECT_EQ(all["runs"][1]["diverged"], true);
  EXPECT_TRUE(all["runs"][1]["val_top1"].is_null());
  started_.clear();
  EXPECT_THAT(message_of<engine::Error>([&] { this->runner().make_runs(); }),
              AllOf(HasSubstr("1 of 4 runs failed"), HasSubstr("would again; other rates are needed")));
  EXPECT_THAT(started_, IsEmpty()) << "a run of the same options would diverge again";
}

TEST_F(RunnerTest, ends_with_the_run_that_a_signal_stops) {
  run_ = [this](const auto& arguments, const ChildHooks& child) {
    if (arguments[1] == "0.1") return finish(arguments);
    EXPECT_EQ(child.stop_signal(), 0);
    signal_ = SIGTERM;
    EXPECT_EQ(child.stop_signal(), SIGTERM);
    return ChildEnd{128 + SIGTERM, "stopped by SIGTERM"};
  };
  EXPECT_EQ(runner().make_runs(), "run 2 of 4: search, flowers, search, lr 0.2 seed 0");
  EXPECT_EQ(started_.size(), 2);
  for (const std::string& note : notes_) EXPECT_FALSE(note.starts_with("failed")) << note;
  EXPECT_EQ(engine::read_json(config_.out / "compare.json")["runs"].size(), 1);
}

TEST_F(RunnerTest, shows_the_lines_of_runs_and_a_note_of_several_once) {
  run_ = [this](const auto& arguments, const ChildHooks& child) {
    child.on_line("note: the images are small");
    child.on_line("step 1 of 4");
    return finish(arguments);
  };
  runner().make_runs();
  EXPECT_EQ(std::ranges::count(notes_, "  note: the images are small"), 1);
  EXPECT_EQ(std::ranges::count(notes_, "  step 1 of 4"), 4);
}

TEST_F(RunnerTest, works_in_a_folder_of_its_own_alone) {
  fs::create_directories(config_.out);
  put(config_.out / "mine.txt", "mine");
  EXPECT_EQ(message_of<training::UsageError>([&] { runner().make_runs(); }),
            config_.out.string() +
                " is not the folder of a comparison (it has no compare.lock), so it is left "
                "alone; give another --out");
  put(config_.out / "compare.lock", "");
  put(config_.out / ".compare.json.tmp.0123456789ab.17.0", "half");
  {
    const ComparisonFolder held(config_.out);
    EXPECT_THAT(message_of<engine::Error>([&] { runner().make_runs(); }),
                HasSubstr("is at work on this comparison"));
    EXPECT_FALSE(fs::exists(config_.out / ".compare.json.tmp.0123456789ab.17.0"));
  }
  EXPECT_EQ(runner().make_runs(), std::nullopt);
  EXPECT_EQ(get(config_.out / "mine.txt"), "mine");
}

/// The same with four rates of "search" and halving. Its runs get better with every epoch and, up to 0.3,
/// with their rate.
class HalvedTest : public RunnerTest {
 protected:
  HalvedTest() {
    config_.search = Search::halving;
    config_.methods[0].rates = {0.1, 0.2, 0.3, 0.4};
    run_ = [this](const auto& arguments, const ChildHooks&) { return advance(arguments); };
  }

  /// What a run leaves that pauses where it is asked to.
  ChildEnd advance(const std::vector<std::string>& arguments) const {
    const fs::path run = arguments[0];
    const std::string log = fs::exists(run / "metrics.jsonl") ? get(run / "metrics.jsonl") : "";
    finish(arguments);
    put(run / "metrics.jsonl", log + get(run / "metrics.jsonl"));
    fs::remove(run / "paused.json");
    const std::string option = "--pause-after-epoch=";
    if (!arguments.back().starts_with(option)) return {};
    const Index epochs = engine::parse_integer(arguments.back().substr(option.size()), "epochs");
    const double lr = engine::parse_number(arguments[1], "lr");
    const Json line{{"kind", "eval"},
                    {"epoch", epochs - 1},
                    {"split", "val"},
                    {"loss", 1.0},
                    {"top1", static_cast<double>(epochs) + 10 * (lr > 0.3 ? 0.1 : lr)}};
    put(run / "metrics.jsonl", get(run / "metrics.jsonl") + line.dump() + '\n');
    const Json paused{{"paused_after_epoch", epochs},
                      {"steps", 4 * epochs},
                      {"resumed", false},
                      {"seconds", 0.25 * static_cast<double>(epochs)},
                      {"phases", {{"score", 0.5}}},
                      {"peak_mb", 2.0}};
    put(run / "paused.json", paused.dump());
    fs::remove(run / "result.json");
    return {};
  }
};

TEST_F(HalvedTest, search_pauses_its_runs_and_stops_the_worse_half) {
  Runner runner = this->runner();
  EXPECT_EQ(runner.make_runs(), std::nullopt);
  EXPECT_THAT(started_, ElementsAre("search/lr0.1-seed0-search --pause-after-epoch=2",
                                    "search/lr0.2-seed0-search --pause-after-epoch=2",
                                    "search/lr0.3-seed0-search --pause-after-epoch=2",
                                    "search/lr0.4-seed0-search --pause-after-epoch=2",
                                    "search/lr0.2-seed0-search --resume --pause-after-epoch=4",
                                    "search/lr0.3-seed0-search --resume --pause-after-epoch=4",
                                    "search/lr0.3-seed0-search --resume", "search/lr0.3-seed0-final",
                                    "fixed/lr0.3-seed0-final"));
  EXPECT_THAT(notes_, ::testing::IsSupersetOf(
                          {"run 1 of 6: search, flowers, search, lr 0.1 seed 0, up to epoch 2 of 8",
                           "  paused after epoch 2, 0.5 s", "  lr 0.1 stops after epoch 2: val 3.00 %",
                           "  lr 0.2 stops after epoch 4: val 6.00 %",
                           "run 3 of 6: search, flowers, search, lr 0.3 seed 0, up to epoch 8 of 8",
                           "run 5 of 6: final, flowers, search, best lr of 0.1/0.2/0.3/0.4 seed 0 (0.3)"}));
  const Json all = runner.json();
  EXPECT_EQ(all, engine::read_json(config_.out / "compare.json"));
  ASSERT_EQ(all["runs"].size(), 6u);
  EXPECT_EQ(all["runs"][1].dump(),
            R"({"task":"flowers","method":"search","lr":0.2,"seed":0,"stage":"search","stopped_after":4,)"
            R"("val_top1":6.0,"val_loss":1.0,"seconds":1.0,"seconds_per_epoch":2.0,"score_seconds":0.5,)"
            R"("peak_mb":2.0,"resumed":false,"knew_features":false,"knew_scores":false})");
  EXPECT_FALSE(all["runs"][2].contains("stopped_after"));
  EXPECT_EQ(all["table"][0]["lr"]["flowers"], 0.3);
  EXPECT_TRUE(fs::exists(config_.out / "runs/flowers/search/lr0.1-seed0-search/checkpoint.safetensors"))
      << "to be taken up again";
}

TEST_F(HalvedTest, search_is_not_made_twice_and_a_grid_takes_up_what_it_stopped) {
  runner().make_runs();
  const std::string before = get(config_.out / "compare.json");
  started_.clear();
  EXPECT_EQ(runner().make_runs(), std::nullopt);
  EXPECT_THAT(started_, IsEmpty());
  EXPECT_EQ(get(config_.out / "compare.json"), before);

  config_.search = Search::grid;
  EXPECT_EQ(runner().make_runs(), std::nullopt);
  EXPECT_THAT(started_,
              ElementsAre("search/lr0.1-seed0-search --resume", "search/lr0.2-seed0-search --resume",
                          "search/lr0.4-seed0-search --resume", "search/lr0.4-seed0-final"))
      << "the last is the best in the end";
  config_.search = Search::halving, started_.clear();
  Runner again = runner();
  EXPECT_EQ(again.make_runs(), std::nullopt);
  EXPECT_THAT(started_, IsEmpty()) << "whose runs are all there";
  EXPECT_EQ(again.json()["table"][0]["lr"]["flowers"], 0.4);
}

TEST_F(HalvedTest, search_goes_on_where_it_was_stopped) {
  const auto advance = run_;
  int runs = 0;
  run_ = [&](const auto& arguments, const ChildHooks& child) {
    if (++runs < 6) return advance(arguments, child);
    signal_ = SIGTERM;
    return ChildEnd{128 + SIGTERM, "stopped by SIGTERM"};
  };
  EXPECT_EQ(runner().make_runs(), "run 3 of 6: search, flowers, search, lr 0.3 seed 0, up to epoch 4 of 8");
  signal_ = 0, run_ = advance;
  const auto stopped = std::exchange(started_, {});
  runner().make_runs();
  EXPECT_THAT(started_, ElementsAre("search/lr0.3-seed0-search --resume --pause-after-epoch=4",
                                    "search/lr0.3-seed0-search --resume", "search/lr0.3-seed0-final",
                                    "fixed/lr0.3-seed0-final"));
}

TEST_F(HalvedTest, search_whose_run_does_not_pause_has_failed_there) {
  run_ = [this](const auto& arguments, const ChildHooks&) {
    const bool never = arguments[0].ends_with("lr0.3-seed0-search");
    return never ? ChildEnd{0, ""} : advance(arguments);
  };
  EXPECT_THAT(message_of<engine::Error>([&] { runner().make_runs(); }), HasSubstr("1 of 6 runs failed"));
  EXPECT_THAT(started_, ::testing::Contains("search/lr0.2-seed0-final")) << "the best of the others";
}

TEST_F(HalvedTest, search_of_which_all_diverge_leaves_no_rate) {
  run_ = [this](const auto& arguments, const ChildHooks&) {
    if (arguments[0].find("search/") == std::string::npos) return finish(arguments);
    advance(arguments);
    fs::remove(fs::path(arguments[0]) / "paused.json");
    put(fs::path(arguments[0]) / "diverged.json", "{}");
    return ChildEnd{1, "the loss of step 3 is nan"};
  };
  Runner runner = this->runner();
  EXPECT_THAT(message_of<engine::Error>([&] { runner.make_runs(); }),
              HasSubstr("1 of 6 runs failed (final, flowers, search"));
  EXPECT_EQ(started_.size(), 4u + 1);
  EXPECT_EQ(runner.json()["runs"].size(), 5u);
}

/// The runs that `config` has, made in parts or not, without what differs from process to process.
class PartsTest : public RunnerTest {
 protected:
  PartsTest() {
    config_.tasks.push_back(config_.tasks[0]);
    config_.tasks[1].name = "trees";
  }
  std::optional<std::string> make(std::optional<Part> part) {
    config_.part = part;
    started_.clear();
    return runner().make_runs();
  }
};

TEST_F(PartsTest, make_their_own_runs_alone_and_the_whole_takes_them_over) {
  make(std::nullopt);
  const std::string whole = get(config_.out / "compare.json"), table = get(config_.out / "table.md");
  for (const Index of : {1, 2, 3, 5}) {
    fs::remove_all(config_.out);
    std::size_t made = 0;
    for (Index number = 1; number <= of; ++number) {
      EXPECT_EQ(make(Part{number, of}), std::nullopt);
      made += started_.size();
      EXPECT_FALSE(fs::exists(config_.out / "compare.json"));
      const std::string file = std::to_string(number) + "-of-" + std::to_string(of) + ".json";
      EXPECT_EQ(engine::read_json(config_.out / "parts" / file)["runs"].size(), started_.size());
    }
    EXPECT_EQ(made, 8u) << "each once";
    make(std::nullopt);
    EXPECT_THAT(started_, IsEmpty());
    EXPECT_EQ(get(config_.out / "compare.json"), whole);
    EXPECT_EQ(get(config_.out / "table.md"), table);
  }
  fs::remove_all(config_.out);
  make(Part{2, 2});
  EXPECT_THAT(started_,
              ElementsAre("fixed/lr0.3-seed0-final", "../trees/search/lr0.1-seed0-search",
                          "../trees/search/lr0.2-seed0-search", "../trees/search/lr0.2-seed0-final"));
  make(std::nullopt);
  EXPECT_EQ(started_.size(), 4u) << "what part 1 would have made";
  EXPECT_EQ(get(config_.out / "compare.json"), whole);
}

TEST_F(PartsTest, keep_the_whole_and_parts_of_another_number_away_while_they_work) {
  const ComparisonFolder first(config_.out, Part{1, 2});
  const ComparisonFolder second(config_.out, Part{2, 2});
  EXPECT_THAT(message_of<engine::Error>([&] {
                make(Part{1, 2});
              }),
              HasSubstr("is at work on part 1/2 of this comparison; wait until it ends"));
  EXPECT_THAT(message_of<engine::Error>([&] { make(std::nullopt); }), HasSubstr("is at work on part "));
  EXPECT_THAT(message_of<engine::Error>([&] { make(Part{3, 3}); }), HasSubstr("is at work on part "));
  EXPECT_THAT(started_, IsEmpty());
}

TEST_F(PartsTest, wait_for_the_whole) {
  const ComparisonFolder whole(config_.out);
  EXPECT_THAT(message_of<engine::Error>([&] {
                make(Part{1, 2});
              }),
              HasSubstr("is at work on this comparison"));
}

}  // namespace
}  // namespace experiments
