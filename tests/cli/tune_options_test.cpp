#include "tools/cli/tune_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "peft/methods.h"
#include "tools/cli/given_options.h"
#include "tools/training/identity.h"
#include "tools/training/usage_error.h"

namespace cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

TuneOptions parsed(std::vector<std::string> words) {
  words.insert(words.end(), {"--arch", "vit_tiny_patch16_224", "--data", "somewhere"});
  return parse_tune(words).value();
}

TEST(GivenOptions, of_ones_own_take_the_place_of_common_ones) {
  EXPECT_THAT(merged({{"epochs", "9"}, {"lr", "1"}, {"train-bias", ""}, {"no-shuffle", ""}},
                     {{"steps", "3"}, {"no-train-bias", ""}, {"clip", "1"}}),
              ElementsAre(Pair("lr", "1"), Pair("no-shuffle", ""), Pair("steps", "3"),
                          Pair("no-train-bias", ""), Pair("clip", "1")));
}

TEST(Switch, of_a_method_can_be_given_a_value) {
  EXPECT_EQ(parsed({"--method", "gps", "--train-bias=off"}).config.method_options.at("train-bias"), "off");
  EXPECT_EQ(parsed({"--method", "gps", "--train-bias=true"}).config.method_options.at("train-bias"), "on");
  EXPECT_EQ(parsed({"--method", "gps", "--no-train-bias=false"}).config.method_options.at("train-bias"),
            "on");
  EXPECT_EQ(parsed({"--method", "gps", "--no-train-bias"}).config.method_options.at("train-bias"), "off");
  EXPECT_THROW(parsed({"--method", "gps", "--train-bias=maybe"}), training::UsageError);
  EXPECT_THROW(parsed({"--no-shuffle=5x"}), training::UsageError);
}

TEST(Option, that_needs_a_text_takes_no_empty_one) {
  EXPECT_THROW(parsed({"--mean", ""}), training::UsageError);
  EXPECT_THROW(parsed({"--mean=", "0,0,0"}), training::UsageError);
  EXPECT_EQ(parsed({"--out=runs/a="}).out, "runs/a=");
}

TEST(Recipe, stands_for_what_is_not_given) {
  const training::TrainConfig gps = parsed({"--method", "gps", "--recipe", "papers"}).config;
  EXPECT_EQ(gps.epochs, 100);
  EXPECT_EQ(gps.lr, 2e-3);
  EXPECT_EQ(gps.augment, "vtab");
  EXPECT_EQ(gps.model.resize, "squash");
  EXPECT_EQ(gps.warmup_epochs, 10);
  const training::TrainConfig sift = parsed({"--recipe", "papers", "--method", "sift"}).config;
  EXPECT_EQ(sift.optimizer, "adamw");
  EXPECT_EQ(sift.method_options.at("rate"), "0.008");
  EXPECT_EQ(sift.method_options.at("targets"), "blocks.*.attn.*.weight");
  EXPECT_EQ(parsed({"--method", "gps"}).config.epochs, 10) << "not asked for";
}

TEST(Recipe, gives_way_to_what_is_given) {
  const training::TrainConfig short_one =
      parsed({"--method", "gps", "--recipe", "papers", "--steps", "7", "--lr", "0.5"}).config;
  EXPECT_EQ(short_one.steps, 7);
  EXPECT_EQ(short_one.lr, 0.5);
  EXPECT_EQ(short_one.augment, "vtab");
  EXPECT_EQ(
      parsed({"--method", "sift", "--recipe", "papers", "--rate", "0.1"}).config.method_options.at("rate"),
      "0.1");
}

TEST(Recipe, resolves_to_the_options_it_stands_for) {
  for (const peft::MethodInfo& method : peft::methods()) {
    if (method.recipe.empty()) continue;
    std::vector<std::string> words{"--method=" + method.name};
    for (const std::string& word : words_of(method, method.recipe)) words.push_back(word);
    EXPECT_EQ(parsed(words).to_json(), parsed({"--method", method.name, "--recipe", "papers"}).to_json())
        << method.name;
  }
}

TEST(Identity, has_every_option_that_acts_on_the_result) {
  const TuneOptions options = parsed({"--method", "gps"});
  nlohmann::ordered_json expected = options.to_json();
  for (const char* other : {"threads",
                            "workers",
                            "recompute",
                            "out",
                            "features",
                            "eval_every",
                            "save_every",
                            "no_test",
                            "model",
                            "image_size",
                            "mean",
                            "std",
                            "interpolation",
                            "resize",
                            "data",
                            "crop_pct",
                            "exif_rotate",
                            "train_list",
                            "val_list",
                            "test_list",
                            "data_root",
                            "on_bad_image",
                            "allow_empty_class",
                            "val_split",
                            "test_split",
                            "group",
                            "prefix_cache",
                            "scores"})
    EXPECT_EQ(expected.erase(other), 1u) << other;
  const auto identity = training::options_of(options.config);
  EXPECT_EQ(nlohmann::json(identity), nlohmann::json(expected));
  EXPECT_EQ(expected["method_options"]["k"], "1");
  for (const char* call : {"resume", "overwrite", "json", "no_memory_check", "recipe", "strict", "dry_run"})
    EXPECT_FALSE(options.to_json().contains(call)) << call;
}

TEST(Identity, has_the_epochs_between_evaluations_only_where_weights_are_chosen_among_them) {
  EXPECT_FALSE(training::options_of(parsed({"--eval-every", "3"}).config).contains("eval_every"));
  EXPECT_EQ(training::options_of(parsed({"--eval-every", "3", "--keep", "best"}).config)["eval_every"], 3);
}

TEST(Identity, has_one_spelling_of_a_number_and_no_epochs_beside_steps) {
  const auto of = [](const std::vector<std::string>& words) {
    return training::options_of(parsed(words).config);
  };
  EXPECT_EQ(of({"--anchor", "1e-2", "--k", "02"}), of({"--anchor", ".010", "--k", "2"}));
  EXPECT_EQ(of({"--lr", "1e-3"}), of({"--lr", "0.001"}));
  EXPECT_FALSE(of({"--steps", "3"}).contains("epochs"));
  EXPECT_TRUE(of({"--epochs", "3"}).contains("epochs"));
}

TEST(Relations, do_not_hold_for_a_switch_that_is_off) {
  EXPECT_TRUE(parsed({"--resume=off", "--overwrite", "--out", "run"}).overwrite);
  EXPECT_TRUE(parsed({"--overwrite=off", "--resume", "--out", "run"}).resume);
  EXPECT_THROW(parsed({"--overwrite", "--resume", "--out", "run"}), training::UsageError);
}

TEST(Relations, are_checked_with_what_the_recipe_gives) {
  EXPECT_THROW(parsed({"--method", "sift", "--momentum", "0.9"}), training::UsageError);
  EXPECT_THROW(parsed({"--method", "sift", "--recipe", "papers", "--momentum", "0.9"}), training::UsageError);
  const std::vector<std::string> sgd{"--method",   "sift", "--recipe",    "papers",
                                     "--momentum", "0.9",  "--optimizer", "sgd"};
  EXPECT_EQ(parsed(sgd).config.momentum, 0.9);
  EXPECT_THROW(parsed({"--epochs", "1", "--steps", "2"}), training::UsageError);
}

TEST(Recipe, that_is_not_kept_is_named) {
  try {
    parsed({"--method", "linear", "--recipe", "papers"});
    FAIL() << "taken";
  } catch (const training::UsageError& e) {
    EXPECT_THAT(e.what(), HasSubstr("no recipe of method linear"));
  }
}

}  // namespace
}  // namespace cli
