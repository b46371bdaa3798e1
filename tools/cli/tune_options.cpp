#include "tools/cli/tune_options.h"

#include <nlohmann/json.hpp>

#include "peft/methods.h"
#include "tools/cli/command_line.h"
#include "tools/cli/model_options.h"
#include "tools/training/options/option_json.h"
#include "tools/training/usage_error.h"

namespace cli {

using training::options_json;

void declare_tune(OptionTable& table, TuneOptions& o) {
  training::TrainConfig& c = o.config;
  training::declare_selection(table, c);
  table.group("Method");
  table.choice("recipe", o.recipe, {"none", "papers"}, "papers: options not given are the paper's")
      .this_call();
  training::declare_keeping(table, c);
  training::declare_training(table, c);
  table.group("Run");
  table.output("out", o.out, "DIR", "folder of the run").by_default("runs/<data>-<method>-<n>").handling();
  table.flag("resume", o.resume, "continue the run in --out").needing("out").this_call();
  table.flag("overwrite", o.overwrite, "discard the run in --out and start over")
      .excluding("resume")
      .this_call();
  table.integer("pause-after-epoch", o.pause_after_epoch, 1, "save and end there, for --resume to go on")
      .by_default("off")
      .this_call()
      .rare();
  table.flag("json", o.json, "print the result as one JSON object").this_call();
  table.flag("tensorboard", o.tensorboard, "write TensorBoard's event files, too").this_call().rare();
  table.output("features", o.features, "DIR", "the same as --prefix-cache DIR, for linear")
      .needing("method", {"linear"}, "the features of all others change")
      .needing_that(
          "--method linear and images that stay as they are", [&] { return c.knows_features(); },
          "without --augment, --mixup, --cutmix, --drop-path, --patch-drop and --reinit-blocks")
      .handling()
      .rare();
  table.text("scores", o.scores, "PATH", "known scores: a file, or DIR/ to keep them in")
      .needing_that(
          "a method that scores images",
          [&] { return peft::make_method(c.method, c.method_options)->scoring() != nullptr; },
          "the others choose by no gradients")
      .handling()
      .rare();
  training::declare_handling(table, c);
  declare_memory_check(table, o.no_memory_check);
  declare_checks(table, o.checks);
}

void TuneOptions::check() const {
  config.check();
  training::as_usage([&] { prefix_cache(); });
}

training::PrefixCacheOptions TuneOptions::prefix_cache() const {
  auto kept = training::PrefixCacheOptions::parse(config.prefix_cache);
  if (!features.empty()) kept.folder = features;
  return kept;
}

nlohmann::ordered_json TuneOptions::to_json() const {
  TuneOptions copy = *this;  // for the table to be bound to
  OptionTable table;
  declare_tune(table, copy);
  return options_json(table);
}

namespace {

/// Reads words; nothing when help was printed. Options that need or exclude each other are left alone while a
/// recipe may still add some.
std::optional<TuneOptions> read_words(CommandLine& line, TuneOptions& options,
                                      std::span<const std::string> words, bool has_recipe) {
  declare_tune(line.table, options);
  if (!line.parse(words, CommandLine::Relations::leave)) return std::nullopt;
  if (has_recipe || options.recipe == "none") line.check_relations();
  return options;
}

CommandLine tune_line(const std::string& command) {
  return {command, "Fine-tunes a checkpoint on a folder of images with one method.",
          "espalier tune --model vit_base.safetensors --data flowers --method gps --epochs 20 "
          "--out runs/flowers"};
}

}  // namespace

std::optional<TuneOptions> parse_tune(std::span<const std::string> words, const std::string& command) {
  TuneOptions given;
  CommandLine line = tune_line(command);
  std::optional<TuneOptions> options = read_words(line, given, words, false);
  if (options && options->recipe == "papers") {
    const peft::MethodInfo& method = training::as_usage(
        [&]() -> const peft::MethodInfo& { return peft::find_method(options->config.method); });
    if (method.recipe.empty())
      throw training::UsageError("--recipe papers: there is no recipe of method " + method.name +
                                 "; `espalier methods NAME` shows those that there are");
    TuneOptions completed;
    CommandLine again = tune_line(command);
    options = read_words(again, completed, words_of(method, merged(method.recipe, line.given())), true);
  }
  if (options) options->check();
  return options;
}

std::vector<training::IdleOption> idle_in_tune(std::span<const std::string> words) {
  TuneOptions options;
  CommandLine line = tune_line("");
  declare_tune(line.table, options);
  line.parse(words, CommandLine::Relations::leave);
  return training::idle_options(line.table);
}

}  // namespace cli
