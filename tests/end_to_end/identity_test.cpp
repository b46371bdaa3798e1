// What is one run and what is another, wherever its folders lie.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "engine/io/sha256.h"
#include "engine/kernels/simd.h"
#include "tests/end_to_end/comparison.h"
#include "tests/end_to_end/long_run.h"

namespace end_to_end {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// A run that was killed in the middle, and its words but for --model and --data.
class BrokenRun : public Garden {
 public:
  explicit BrokenRun(const Words& more = {}) : more_(more) {
    EXPECT_TRUE(kill_at_step(words(model(), data()), run_folder("broken"), "7"));
  }
  Words words(const std::string& model, const std::string& data) const {
    return Words{"tune",
                 "--model",
                 model,
                 "--data",
                 data,
                 "--method",
                 "grft",
                 "--lr",
                 "0.003",
                 "--batch-size",
                 "6",
                 "--out",
                 run_folder("broken"),
                 "--epochs",
                 "40",
                 "--save-every",
                 "1",
                 "--threads",
                 "2"} +
           more_;
  }
  Outcome resumed(const std::string& model, const std::string& data) const {
    return run(words(model, data) + Words{"--resume"});
  }

 private:
  Words more_;
};

TEST(Identity, does_not_depend_on_where_model_and_data_lie_and_how_they_are_spelt) {
  const BrokenRun garden;
  const fs::path whole = garden.run_folder("whole");
  Words words = garden.words(garden.model(), garden.data());
  *(std::ranges::find(words, "--out") + 1) = whole.string();
  ASSERT_EQ(run(words).status, 0);
  fs::copy(garden.data(), garden / "moved/to", fs::copy_options::recursive);
  for (const auto& entry : fs::recursive_directory_iterator(garden / "moved"))
    if (entry.is_regular_file())
      fs::last_write_time(entry.path(), fs::file_time_type::clock::now() - std::chrono::hours(5));
  fs::rename(garden.data(), garden / "gone");
  fs::create_directories(garden / "base");
  fs::copy(garden.model(), garden / "base/model.safetensors");
  const Outcome resumed = garden.resumed(garden / "base", garden / "moved/../moved/to/");
  EXPECT_EQ(resumed.status, 0) << resumed.err;
  EXPECT_TRUE(resumed.noted("resuming after step")) << resumed.err;
  EXPECT_TRUE(read_text(whole / "delta.safetensors") ==
              read_text(fs::path(garden.run_folder("broken")) / "delta.safetensors"));
}

TEST(Identity, has_the_contents_of_the_images) {
  const BrokenRun garden;
  const std::string path = garden.data() + "/train/red/03.ppm";
  const auto time = fs::last_write_time(path);
  write_text(path, image(1, 33));
  const std::string error = garden.resumed(garden.model(), garden.data()).error(2);
  EXPECT_THAT(error, AllOf(HasSubstr("train/red/03.ppm"), HasSubstr("--overwrite")));
  write_text(path, image(2, 3));
  fs::last_write_time(path, time);
  EXPECT_EQ(garden.resumed(garden.model(), garden.data()).status, 0) << "it is put back";
}

TEST(Identity, has_val_where_the_best_weights_are_chosen_on_it) {
  const BrokenRun best({"--keep", "best"}), last;
  for (const BrokenRun* garden : {&best, &last})
    for (const char* name : {"red", "green", "blue"}) fs::remove(garden->data() + "/val/" + name + "/20.ppm");
  EXPECT_THAT(best.resumed(best.model(), best.data()).error(2), HasSubstr("val_images was 9 and is 6"));
  EXPECT_EQ(last.resumed(last.model(), last.data()).status, 0);
}

TEST(Identity, has_the_instruction_set) {
  const Garden garden;
  garden.tune("grft", {"--instruction-set", "baseline"});
  const fs::path folder = garden.run_folder();
  EXPECT_EQ(read_json(folder / "config.json")["instruction_set"], "baseline");
  const std::string delta = read_text(folder / "delta.safetensors");
  EXPECT_EQ(garden.tune("grft", {"--resume"}).status, 0) << "it takes the recorded one";
  EXPECT_TRUE(read_text(folder / "delta.safetensors") == delta);
  EXPECT_EQ(read_json(folder / "config.json")["instruction_set"], "baseline");
  const std::string best(engine::kernels::simd_name());
  if (best == "baseline") return;
  const Words words = Words{"tune"} + garden.job("grft") +
                      Words{"--out", folder, "--epochs", "2", "--lr", "0.01", "--resume"};
  EXPECT_THAT(run(words + Words{"--instruction-set", best}).error(2),
              HasSubstr("instruction_set was \"baseline\" and is \"" + best + "\""));
  Json config = read_json(folder / "config.json");
  config["identity"]["instruction_set"] = "vector2000";
  write_text(folder / "config.json", config.dump());
  EXPECT_THAT(run(words).error(2), HasSubstr("vector2000"));
}

TEST(ALongerRun, of_a_constant_rate_goes_on_to_the_bits_of_one_that_was_long_from_the_start) {
  const Garden garden;
  const Words constant{"--schedule", "constant", "--warmup-epochs", "1", "--ema", "0.8"};
  garden.tune("gps", constant + Words{"--epochs", "4"}, "whole");
  garden.tune("gps", constant + Words{"--epochs", "2"});
  const Outcome longer = garden.tune("gps", constant + Words{"--epochs", "4", "--resume"});
  EXPECT_TRUE(longer.noted("resuming after step 6")) << longer.err;
  EXPECT_TRUE(read_text(fs::path(garden.run_folder()) / "delta.safetensors") ==
              read_text(fs::path(garden.run_folder("whole")) / "delta.safetensors"));
  const auto refused = [&](const Words& more) {
    return run(Words{"tune"} + garden.job("gps") + constant +
               Words{"--lr", "0.01", "--out", garden.run_folder(), "--resume"} + more)
        .error(2);
  };
  EXPECT_THAT(refused({"--epochs", "3"}), AllOf(HasSubstr("epochs was 4 and is 3"), HasSubstr("shorter")));
  garden.tune("gps", {}, "cosine");
  const std::string error =
      run(Words{"tune"} + garden.job("gps") +
          Words{"--lr", "0.01", "--out", garden.run_folder("cosine"), "--resume", "--epochs", "4"})
          .error(2);
  EXPECT_THAT(error, AllOf(HasSubstr("epochs was 2 and is 4"), HasSubstr("cosine"), HasSubstr("constant")));
}

TEST(AFinishedRun, keeps_what_it_has_cost_when_it_is_resumed) {
  const Garden garden;
  garden.tune("grft");
  const fs::path file = fs::path(garden.run_folder()) / "result.json";
  Json before = read_json(file);
  before["seconds"] = 1234.5, before["peak_mb"] = 4321.0;
  write_text(file, before.dump());
  const Json after = garden.tune("grft", {"--resume"}).json();
  EXPECT_EQ(after["seconds"], 1234.5);
  EXPECT_EQ(after["peak_mb"], 4321.0);
  EXPECT_EQ(after["resumed"], false);
}

TEST(ARunOfTheVersionBefore, goes_on_and_is_refused_by_name_with_other_options) {
  const Garden garden;
  garden.tune("grft");
  const fs::path folder = garden.run_folder();
  // That version had no identity apart, and hashed the paths as they were given.
  Json config = read_json(folder / "config.json");
  config.erase("identity"), config.erase("identity_version");
  engine::Sha256 hash;
  const auto add = [&](const std::string& line) { hash.add(std::as_bytes(std::span(line))); };
  const Words classes{"blue", "green", "red"};
  for (const std::string& name : classes) add(name + '\0');
  for (std::size_t c = 0; c < classes.size(); ++c) {
    for (Index n = 0; n < Garden::kTrain; ++n)
      add(garden.data() + "/train/" + classes[c] + "/0" + std::to_string(n) + ".ppm" + '\0' +
          std::to_string(c) + '\0');
  }
  config["images_sha256"] = hash.hex();
  fs::remove(folder / "images.jsonl");
  const std::string earlier = config.dump();
  write_text(folder / "config.json", earlier);
  EXPECT_EQ(garden.tune("grft", {"--resume"}).status, 0);
  write_text(folder / "config.json", earlier);
  const std::string error = run(Words{"tune"} + garden.job("grft") +
                                Words{"--out", folder, "--resume", "--epochs", "2", "--lr", "0.5"})
                                .error(2);
  EXPECT_THAT(error, HasSubstr("lr was 0.01 and is 0.5"));
}

TEST(KilledScoring, resumed_with_another_option_is_refused_and_its_scores_stay) {
  const Garden garden;
  const fs::path folder = garden.run_folder();
  const Words words = long_run(garden, "grft", folder, {"--save-every", "1"});
  {
    Background scoring(words);
    wait_for_line(scoring, folder, "\"score\",\"batch\":1");
    ASSERT_TRUE(scoring.kill());
  }
  const std::string error = run(words + Words{"--resume", "--seed", "9"}).error(2);
  EXPECT_THAT(error, HasSubstr("seed was 0 and is 9"));
  const Outcome resumed = run(words + Words{"--resume"});
  EXPECT_EQ(resumed.status, 0) << resumed.err;
  EXPECT_FALSE(resumed.noted("has no checkpoint to go on from") && resumed.noted("resuming after scoring"));
}

/// A comparison of one run in a folder of its own.
class OneRun : public Comparison {
 public:
  OneRun() { EXPECT_EQ(run(words_of({}), here()).status, 0); }
  Words words_of(const Words& more, const std::string& model = "model.safetensors",
                 const std::string& task = "colours=data", const std::string& out = "compared") const {
    return Words{"compare", "--out",        out,      "--model",   model,  "--task",
                 task,      "--methods",    "linear", "--lrs",     "0.01", "--epochs",
                 "2",       "--batch-size", "6",      "--threads", "2"} +
           more;
  }
  Surroundings here() const { return {.folder = path()}; }
  fs::path result(Index seed = 0) const {
    return path() /
           ("compared/runs/colours/linear/lr0.01-seed" + std::to_string(seed) + "-final/result.json");
  }
};

TEST(Comparison, given_again_in_other_spellings_makes_no_run) {
  const OneRun garden;
  const auto made = fs::last_write_time(garden.result());
  fs::create_directories(garden / "base");
  fs::copy(garden.model(), garden / "base/model.safetensors");
  fs::create_directory_symlink(garden.data(), garden / "link");
  const std::string model = "model.safetensors", task = "colours=data";
  const std::vector<Words> spellings{
      garden.words_of({}, model, "colours=data/"),
      garden.words_of({}, model, "colours=" + garden.data()),
      garden.words_of({}, model, "colours=./data"),
      garden.words_of({}, model, "colours=link"),
      garden.words_of({}, "./model.safetensors"),
      garden.words_of({}, garden.model()),
      garden.words_of({}, "base"),
      garden.words_of({}, model, task, "./compared/"),
      garden.words_of({}, model, task, garden.path() / "compared"),
      garden.words_of({"--optimizer", "adam", "--workers", "1", "--mean", ".5,5e-1,0.50"})};
  for (const Words& words : spellings) {
    const Outcome again = run(words, garden.here());
    EXPECT_EQ(again.status, 0) << again.err;
    EXPECT_FALSE(again.noted("run 1 of")) << again.err;
    EXPECT_EQ(fs::last_write_time(garden.result()), made);
  }
}

TEST(Comparison, with_an_option_that_changes_a_run_is_refused_until_it_may_overwrite) {
  const OneRun garden;
  const std::string table = read_text(garden.path() / "compared/compare.json");
  const auto made = fs::last_write_time(garden.result());
  Words longer = garden.words_of({});
  *(std::ranges::find(longer, "--epochs") + 1) = "3";
  EXPECT_THAT(run(longer, garden.here()).error(2),
              AllOf(HasSubstr("epochs was 2 and is 3"), HasSubstr("--overwrite")));
  EXPECT_EQ(read_text(garden.path() / "compared/compare.json"), table);
  EXPECT_EQ(fs::last_write_time(garden.result()), made);
  const std::string path = garden.data() + "/test/red/41.ppm", before = read_text(path);
  write_text(path, image(1, 99));
  EXPECT_THAT(run(garden.words_of({}), garden.here()).error(2), HasSubstr("test/red/41.ppm"));
  write_text(path, before);
  const Outcome over = run(longer + Words{"--overwrite"}, garden.here());
  EXPECT_EQ(over.status, 0) << over.err;
  EXPECT_TRUE(over.noted("run 1 of 1"));
  EXPECT_EQ(read_json(garden.result().parent_path() / "config.json")["epochs"], 3);
}

TEST(Comparison, with_a_seed_more_makes_the_runs_of_that_seed_alone) {
  const OneRun garden;
  const auto made = fs::last_write_time(garden.result());
  const Outcome more = run(garden.words_of({"--seeds", "2"}), garden.here());
  EXPECT_EQ(more.status, 0) << more.err;
  EXPECT_FALSE(more.noted("run 1 of 2"));
  EXPECT_TRUE(more.noted("run 2 of 2"));
  EXPECT_EQ(fs::last_write_time(garden.result()), made);
  EXPECT_TRUE(fs::exists(garden.result(1)));
}

TEST(Comparison, remembers_a_rate_that_diverges_as_the_worst) {
  const OneRun garden;
  Words words = garden.words_of({"--optimizer", "sgd"}, "model.safetensors", "colours=data", "other");
  *(std::ranges::find(words, "linear")) = "full";
  *(std::ranges::find(words, "--lrs") + 1) = "0.001,1e30";
  const Outcome first = run(words, garden.here());
  EXPECT_EQ(first.status, 0) << first.err;
  EXPECT_TRUE(first.noted("diverged")) << first.err;
  const Json table = read_json(garden.path() / "other/compare.json");
  EXPECT_EQ(table["table"][0]["lr"]["colours"], 0.001);
  EXPECT_EQ(std::ranges::count_if(table["runs"], [](const Json& r) { return r.contains("diverged"); }), 1);
  const Outcome again = run(words, garden.here());
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_FALSE(again.noted("run 1 of") || again.noted("run 2 of")) << again.err;
}

}  // namespace
}  // namespace end_to_end
