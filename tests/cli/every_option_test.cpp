// Every option of tune by its declaration: flipped once on a run that is resumed, it is refused by name where
// it acts on the result, and changes no bit where it does not. Options without effect are refused.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "engine/base/text.h"
#include "engine/kernels/simd.h"
#include "tests/end_to_end/garden.h"
#include "tools/cli/command_line.h"
#include "tools/cli/tune_options.h"
#include "tools/training/options/option_json.h"
#include "tools/training/usage_error.h"

namespace cli {
namespace {

using end_to_end::Garden;
using end_to_end::read_text;
using end_to_end::Words;
using ::testing::AllOf;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

/// A value that the option does not have; nothing where there is none to try.
std::optional<std::string> another(const Option& option) {
  if (const auto* v = std::get_if<training::Integer>(&option.value))
    return std::to_string(*v->field < v->lowest ? v->lowest + 1 : *v->field + 1);
  if (std::holds_alternative<training::ImageSides>(option.value)) return "16x24";
  if (std::holds_alternative<training::Number>(option.value))
    return training::text_value(option) == "0.5" ? "0.25" : "0.5";
  if (option.name == "resize") return "crop";
  if (const auto* v = std::get_if<training::Choice>(&option.value)) {
    const std::string now =
        option.name == "instruction-set" ? std::string(engine::kernels::simd_name()) : *v->field;
    for (const std::string& choice : v->choices)
      if (choice != now && (option.name != "instruction-set" || choice == "baseline")) return choice;
  }
  if (std::holds_alternative<training::Switch>(option.value)) return "on";
  if (std::holds_alternative<training::OverridingSwitch>(option.value)) return "on";
  if (option.name == "mean" || option.name == "std") return "0.4,0.5,0.6";
  if (option.name == "select-blocks") return "1-1";
  if (option.name == "arch") return "vit_tiny_patch16_224";
  return std::nullopt;
}

std::string another(const peft::OptionInfo& option) {
  if (option.values.empty()) return option.default_value == "on" ? "off" : "on";
  for (const std::string& choice : engine::split(option.values, '|'))
    if (choice != option.default_value && choice.size() > 1 && choice != "GLOB,...") return choice;
  if (option.values == "GLOB,...") return "blocks.0.*.weight";
  if (option.name == "score-image-size") return "24";
  return option.default_value == "1" ? "2" : "1";
}

/// Options that cut what has no splits: the garden has some.
bool cuts(const std::string& name) {
  return name == "val-split" || name == "test-split";
}

/// What the declaration says of inputs that other contents would be: these alone change what is read.
bool changes_pixels(const std::string& name) {
  const auto all = {"image-size", "mean", "std", "interpolation", "resize", "exif-rotate", "crop-pct"};
  return std::ranges::find(all, name) != all.end();
}

class EveryOption : public ::testing::Test {
 protected:
  EveryOption() {
    words_ = {"tune",      "--model", garden_.model(), "--data",       garden_.data(),
              "--method",  "grft",    "--out",         run(),          "--epochs",
              "2",         "--lr",    "0.01",          "--batch-size", "6",
              "--threads", "2"};
    TuneOptions options;
    CommandLine line("", "", "");
    declare_tune(line.table, options);
    line.parse(std::span(words_).subspan(1));
    EXPECT_EQ(end_to_end::run(words_).status, 0);
    delta_ = read_text(fs::path(run()) / "delta.safetensors");
  }
  std::string run() const { return garden_.run_folder(); }

  /// The run resumed with another value of an option.
  end_to_end::Outcome flipped(const std::string& name, const std::string& value) const {
    Words words = words_;
    const auto at = std::ranges::find(words, "--" + name);
    if (at != words.end()) words.erase(at, at + 2);
    words.push_back("--" + name + "=" + value);
    words.emplace_back("--resume");
    return end_to_end::run(words);
  }

  Garden garden_;
  Words words_;
  std::string delta_;
};

TEST_F(EveryOption, that_acts_on_the_result_is_refused_and_every_other_one_changes_no_bit) {
  TuneOptions options;
  CommandLine line("", "", "");
  declare_tune(line.table, options);
  line.parse(std::span(words_).subspan(1));
  int refused = 0, taken = 0;
  for (const Option& option : line.table.options()) {
    const auto value = another(option);
    if (!value || option.acts == training::Acts::call) continue;
    SCOPED_TRACE(option.name + " " + *value);
    const end_to_end::Outcome outcome = flipped(option.name, *value);
    std::string field = option.name;
    std::ranges::replace(field, '-', '_');
    if (training::acts_on_result(line.table, option) || changes_pixels(option.name) || cuts(option.name)) {
      ++refused;
      EXPECT_EQ(outcome.status, 2) << outcome.err;
      const bool named = outcome.noted(option.name) || outcome.noted(field) || changes_pixels(option.name) ||
                         option.name == "on";
      EXPECT_TRUE(named) << outcome.err;
    } else {
      ++taken;
      EXPECT_EQ(outcome.status, 0) << outcome.err;
    }
    EXPECT_TRUE(read_text(fs::path(run()) / "delta.safetensors") == delta_);
  }
  EXPECT_GT(refused, 25);
  EXPECT_GE(taken, 7);
}

TEST_F(EveryOption, of_the_method_is_refused_by_name) {
  for (const peft::OptionInfo& option : peft::find_method("grft").options) {
    SCOPED_TRACE(option.name);
    const end_to_end::Outcome outcome = flipped(option.name, another(option));
    EXPECT_EQ(outcome.status, 2) << outcome.err;
    EXPECT_TRUE(outcome.noted(option.name)) << outcome.err;
  }
}

struct Idle {
  Words words;
  const char* option;
};

TEST(IdleOption, is_refused_with_what_it_needs_and_why) {
  const std::vector<Idle> all{
      {{"--min-lr", "1e-5", "--schedule", "constant"}, "--min-lr"},
      {{"--momentum", "0.9"}, "--momentum"},
      {{"--temperature", "0.07", "--score", "ce"}, "--temperature"},
      {{"--score-augment", "none", "--score", "ce"}, "--score-augment"},
      {{"--method", "sift", "--temperature", "0.1"}, "--temperature"},
      {{"--method", "random", "--unit", "row", "--rate", "0.01"}, "--rate"},
      {{"--method", "magnitude", "--unit", "element", "--k", "1"}, "--k"},
      {{"--method", "smallest", "--rate", "0.1"}, "--rate"},
      {{"--method", "fisher", "--unit", "column", "--rate", "0.1"}, "--rate"},
      {{"--method", "shira", "--mask", "random", "--score", "ce"}, "--score"},
      {{"--method", "shira", "--mask", "magnitude", "--score-batches", "3"}, "--score-batches"},
      {{"--method", "shira", "--mask", "random", "--score-image-size", "16"}, "--score-image-size"},
      {{"--method", "shira", "--mask", "random", "--score-classes", "2"}, "--score-classes"},
      {{"--anchor", "0", "--anchor-layers", "1"}, "--anchor-layers"},
      {{"--anchor", "0.0", "--anchor-head", "init"}, "--anchor-head"},
      {{"--method", "sam", "--hessian-power", "0.5"}, "--hessian-power"},
      {{"--method", "linear", "--no-score-shuffle"}, "--no-score-shuffle"},
      {{"--no-shuffle", "--no-score-shuffle"}, "--no-score-shuffle"},
      {{"--head", "keep", "--init-head", "zeros"}, "--init-head"},
      {{"--method", "linear", "--layer-decay", "0.5"}, "--layer-decay"},
      {{"--method", "linear", "--freeze-blocks", "1"}, "--freeze-blocks"},
      {{"--method", "linear", "--select-blocks", "1-2"}, "--select-blocks"},
      {{"--method", "last-k", "--select-blocks", "1-2"}, "--select-blocks"},
      {{"--method", "lora", "--select-blocks", "1-2"}, "--select-blocks"},
      {{"--method", "bitfit", "--select-blocks", "1-2"}, "--select-blocks"},
      {{"--keep", "best", "--on", "train+val"}, "--keep"},
      {{"--eval-every", "2", "--on", "train+val"}, "--eval-every"},
      {{"--method", "lisa", "--keep", "best"}, "--keep"},
      {{"--method", "green", "--reinit-blocks", "1"}, "--reinit-blocks"},
      {{"--features", "f"}, "--features"},
      {{"--method", "linear", "--features", "f", "--augment", "flip"}, "--features"},
      {{"--resume"}, "--resume"}};
  for (const Idle& idle : all) {
    Words words{"--arch", "vit_tiny_patch16_224", "--data", "somewhere"};
    words.insert(words.end(), idle.words.begin(), idle.words.end());
    try {
      parse_tune(words);
      ADD_FAILURE() << "taken: " << engine::join(words, " ");
    } catch (const training::UsageError& e) {
      EXPECT_THAT(e.what(), AllOf(HasSubstr(idle.option), HasSubstr("needs")));
    }
  }
}

TEST(IdleOption, of_the_library_is_refused_by_the_same_declaration) {
  training::TrainConfig config;
  config.model.arch = "vit_tiny_patch16_224", config.data.data = "somewhere";
  ASSERT_NO_THROW(config.check());
  config.min_lr = 1e-5;
  ASSERT_NO_THROW(config.check());
  config.schedule = "constant";
  EXPECT_THROW(config.check(), training::UsageError);
  config.min_lr = 0;
  config.method_options = {{"score", "ce"}, {"temperature", "0.1"}};
  EXPECT_THROW(config.check(), training::UsageError);
  config.method_options = {};
  config.recompute = "some";
  EXPECT_THROW(config.check(), training::UsageError) << "a choice that no list repeats";
}

TEST(Contradiction, of_a_switch_is_refused_in_either_order) {
  const Words sound{"--arch", "vit_tiny_patch16_224", "--data", "somewhere", "--method", "gps"};
  const std::vector<Words> pairs{{"--train-bias", "--no-train-bias"},
                                 {"--no-train-bias", "--train-bias"},
                                 {"--train-bias=off", "--train-bias"},
                                 {"--no-shuffle", "--no-shuffle=off"}};
  for (const Words& pair : pairs) {
    Words words = sound;
    words.insert(words.end(), pair.begin(), pair.end());
    EXPECT_THROW(parse_tune(words), training::UsageError) << pair[0] << ' ' << pair[1];
  }
}

TEST(Word, that_begins_with_dashes_is_no_value) {
  const Words sound{"--arch", "vit_tiny_patch16_224", "--data", "somewhere", "--method", "gps"};
  for (const char* word : {"--no-train-bias", "--help-me", "--"}) {
    Words words = sound;
    words.insert(words.end(), {"--out", word});
    try {
      parse_tune(words);
      ADD_FAILURE() << "taken: --out " << word;
    } catch (const training::UsageError& e) {
      EXPECT_THAT(e.what(), HasSubstr("--out needs a value"));
    }
  }
  Words words = sound;
  words.emplace_back("--out=--no-x");
  EXPECT_EQ(parse_tune(words)->out, "--no-x");
}

TEST(Value, that_is_spelt_like_the_word_for_none_counts_as_given) {
  std::string against, gradients;
  OptionTable table;
  table.input("against", against, "PATH", "other");
  table.input("gradients", gradients, "FILE", "of it").needing("against");
  const GivenOptions given = parse(table, Words{"--gradients", "none"}).given;
  EXPECT_THROW(check_relations(table, given), engine::Error);
}

}  // namespace
}  // namespace cli
