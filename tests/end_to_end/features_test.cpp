#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "tests/end_to_end/long_run.h"

namespace end_to_end {
namespace {

using ::testing::HasSubstr;

/// A linear probe with and without features that are kept.
class Features : public Garden {
 public:
  std::string kept() const { return path() / "features"; }
  Outcome probe(const std::string& name, Words more = {}) const {
    Words words = Words{"tune"} + job("linear") + Words{"--out", run_folder(name), "--json"};
    const auto defaults = {std::pair{"--epochs", "2"}, std::pair{"--lr", "0.01"}};
    for (const auto& [option, value] : defaults)
      if (std::ranges::find(more, option) == more.end()) words = words + Words{option, value};
    if (const auto batch = std::ranges::find(more, "--batch-size"); batch != more.end()) {
      *(std::ranges::find(words, "--batch-size") + 1) = *(batch + 1);
      more.erase(batch, batch + 2);
    }
    const Outcome outcome = run(words + more);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return outcome;
  }
  Outcome quick(const std::string& name, const Words& more = {}) const {
    return probe(name, more + Words{"--features", kept()});
  }
  std::string delta(const std::string& name) const {
    return read_text(fs::path(run_folder(name)) / "delta.safetensors");
  }
};

struct Way {
  const char* name;
  Words words;
};
void PrintTo(const Way& way, std::ostream* os) {
  *os << way.name;
}
class FeaturesOf : public ::testing::TestWithParam<Way> {};

TEST_P(FeaturesOf, a_linear_probe_give_the_bits_that_its_images_give_and_are_computed_once) {
  const Features garden;
  const Words words = GetParam().words;
  garden.probe("plain", words);
  EXPECT_TRUE(garden.quick("first", words).noted("prefix train"));
  const Outcome again = garden.quick("second", words);
  EXPECT_FALSE(again.noted("prefix train")) << again.err;
  for (const char* name : {"first", "second"}) {
    EXPECT_TRUE(garden.delta(name) == garden.delta("plain")) << name;
    expect_same_run(garden.run_folder(name), garden.run_folder("plain"));
  }
}

INSTANTIATE_TEST_SUITE_P(
    , FeaturesOf,
    ::testing::Values(Way{"train", {}}, Way{"train_and_val", {"--on", "train+val", "--batch-size", "5"}},
                      Way{"train_in_order_with_all_the_rest",
                          {"--no-shuffle", "--ema", "0.8", "--clip", "1", "--optimizer", "adamw",
                           "--weight-decay", "0.05", "--label-smoothing", "0.1", "--grad-accum", "2",
                           "--workers", "0"}},
                      Way{"train_without_test", {"--no-test", "--batch-size", "7"}},
                      Way{"train_keeping_the_best", {"--keep", "best", "--epochs", "5"}}),
    [](const auto& way) { return std::string(way.param.name); });

TEST(Features, of_one_batch_size_serve_all_others) {
  const Features garden;
  garden.quick("one", {"--batch-size", "4"});
  EXPECT_FALSE(garden.quick("other", {"--batch-size", "9", "--seed", "3"}).noted("prefix train"));
  const Features plain;
  plain.probe("other", {"--batch-size", "9", "--seed", "3"});
  EXPECT_TRUE(garden.delta("other") == plain.delta("other"));
}

TEST(Features, leave_files_of_something_else_alone) {
  const Features garden;
  fs::create_directories(garden.kept());
  write_model(garden.kept() + "/prefix-train-head-0.safetensors", small_state());
  const std::string before = read_text(garden.kept() + "/prefix-train-head-0.safetensors");
  const Words words = Words{"tune"} + garden.job("linear") +
                      Words{"--features", garden.kept(), "--out", garden.run_folder("other")};
  EXPECT_THAT(run(words).error(1),
              ::testing::HasSubstr("prefix-train-head-0.safetensors: not a file of activations"));
  EXPECT_TRUE(read_text(garden.kept() + "/prefix-train-head-0.safetensors") == before);
}

TEST(FeaturesThatAreStale, are_computed_again) {
  const struct {
    const char* name;
    std::function<Words(const Features&)> change;
  } kCases[] = {
      {"another model",
       [](const Features& g) {
         write_model(g.model(), small_state(small_config(), 2));
         return Words{};
       }},
      {"an image exchanged under its name",
       [](const Features& g) {
         write_text(g.data() + "/train/red/03.ppm", image(1, 77));
         return Words{};
       }},
      {"other heads",
       [](const Features& g) {
         write_model(g.model(), small_state(), {{"num_heads", "2"}});
         return Words{};
       }},
      {"another mean",
       [](const Features&) {
         return Words{"--mean", "0.4,0.5,0.5"};
       }},
      {"another way to resize",
       [](const Features&) {
         return Words{"--interpolation", "bilinear"};
       }},
      {"another image",
       [](const Features& g) {
         fs::rename(g / "data/train/red/00.ppm", g / "data/train/red/zz.ppm");
         return Words{};
       }},
      {"another data set whose images have the same names",
       [](const Features& g) {
         fs::create_directories(g.path() / "other");
         fs::rename(g.data(), g.path() / "other/first");
         for (const auto& entry : fs::recursive_directory_iterator(g.path() / "other/first")) {
           const fs::path there = fs::path(g.data()) / fs::relative(entry.path(), g.path() / "other/first");
           if (entry.is_directory())
             fs::create_directories(there);
           else
             write_text(there, image(2, 90 + std::stoi(there.stem().string())));
         }
         return Words{};
       }},
      {"damage",
       [](const Features& g) {
         std::string bytes = read_text(g.kept() + "/prefix-train-head-0.safetensors");
         bytes[bytes.size() - 9] ^= 1;
         write_text(g.kept() + "/prefix-train-head-0.safetensors", bytes);
         return Words{};
       }},
      {"nonsense",
       [](const Features& g) {
         write_text(g.kept() + "/prefix-train-head-0.safetensors", "none");
         return Words{};
       }},
  };
  for (const auto& [name, change] : kCases) {
    const Features garden;
    garden.quick("before");
    const Words words = change(garden);
    const Outcome after = garden.quick("after", words);
    EXPECT_TRUE(after.noted("prefix train")) << name << ": " << after.err;
    garden.probe("plain", words);
    EXPECT_TRUE(garden.delta("after") == garden.delta("plain")) << name;
  }
}

TEST(Features, go_on_with_a_run_that_was_killed) {
  const Features garden;
  const Words words = Words{"tune"} + garden.job("linear") + Words{"--epochs", "200", "--save-every", "1"};
  const fs::path whole = garden.run_folder("whole"), broken = garden.run_folder("broken");
  ASSERT_EQ(run(words + Words{"--out", whole}).status, 0);
  const Words quick = words + Words{"--out", broken, "--features", garden.kept()};
  ASSERT_TRUE(kill_at_step(quick, broken, "7"));
  const Outcome resumed = run(quick + Words{"--resume"});
  EXPECT_TRUE(resumed.noted("resuming after step ")) << resumed.err;
  expect_same_run(broken, whole);
}

TEST(Features, are_refused_where_they_would_not_stay_the_same) {
  const Features garden;
  for (const Words& words :
       {Words{"--method", "grft"}, Words{"--method", "linear", "--augment", "flip"},
        Words{"--method", "linear", "--mixup", "0.4"}, Words{"--method", "linear", "--cutmix", "1"},
        Words{"--method", "linear", "--drop-path", "0.1"},
        Words{"--method", "linear", "--patch-drop", "0.5"}}) {
    const Outcome outcome = run(Words{"tune", "--model", garden.model(), "--data", garden.data(), "--out",
                                      garden.run_folder(), "--features", garden.kept()} +
                                words);
    EXPECT_THAT(outcome.error(2), ::testing::AllOf(HasSubstr("--features"), HasSubstr("--method linear")));
    EXPECT_FALSE(fs::exists(garden.kept()));
  }
}

}  // namespace
}  // namespace end_to_end
