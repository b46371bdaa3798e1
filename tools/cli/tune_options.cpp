#include "tools/cli/tune_options.h"

#include <nlohmann/json.hpp>

#include "data/augment.h"
#include "models/block.h"
#include "peft/methods.h"
#include "tools/cli/command_line.h"
#include "tools/cli/model_options.h"
#include "tools/cli/option_json.h"
#include "tools/training/usage_error.h"

namespace cli {

using engine::kBelowOne, engine::kNonNegative, engine::kPositive, engine::kShare;

namespace {

std::vector<std::string> augmentation_names() {
  std::vector<std::string> names;
  for (const data::Augmentation& a : data::augmentations()) {
    if (a.name != "simclr") names.emplace_back(a.name);  // for scoring only
  }
  return names;
}

/// What `tune` alone has.
void declare_run(OptionTable& table, TuneOptions& o) {
  table.group("Run");
  table.output("out", o.out, "DIR", "folder of the run").by_default("runs/<data>-<method>-<n>").handling();
  table.flag("resume", o.resume, "continue the run in --out").needing("out").this_call();
  table.flag("overwrite", o.overwrite, "discard the run in --out and start over")
      .excluding("resume")
      .this_call();
  table.flag("json", o.json, "print the result as one JSON object").this_call();
  table
      .output("features", o.features, "DIR",
              "train linear on frozen features of the images, kept in DIR for later runs; same bits")
      .needing("method", {"linear"})
      .handling()
      .rare();
  declare_saving(table, o);
}

}  // namespace

void declare_selection(OptionTable& table, TuneOptions& o) {
  declare_model(table, o.config.model);
  declare_data(table, o.config.data);
  table.choice("on", o.config.on, {"train", "train+val"}, "split(s) to train on");
  table.group("Method");
  table.methods(o.config.method, o.config.method_options);
  declare_reading(table, o);
}

void declare_reading(OptionTable& table, TuneOptions& o) {
  training::TrainConfig& c = o.config;
  table.group("Data");
  table.choice("augment", c.augment, augmentation_names(), "augmentation of training images");
  table.integer("batch-size", c.batch_size, 1, "images in a batch");
  table.integer("workers", c.workers, 0, "threads that decode images ahead", kMostWorkers).handling();
  table.flag("no-score-shuffle", c.no_score_shuffle, "score images in sorted path order").rare();

  table.group("Method");
  table.choice("head", c.head, {"auto", "keep", "new"}, "auto keeps a head whose class count fits").rare();
  table.choice("init-head", c.init_head, {"zeros", "trunc-normal"}, "initial values of a new head").rare();
  table
      .choice("recompute", c.recompute, models::recompute_names(),
              "recompute activations in the backward pass, of every MLP or every block: less memory, more "
              "time, same bits")
      .handling()
      .rare();
}

void declare_training(OptionTable& table, TuneOptions& o) {
  training::TrainConfig& c = o.config;
  table.group("Training");
  table.integer("epochs", c.epochs, 1, "passes over the images");
  table.integer("steps", c.steps, 1, "steps of the run, in place of --epochs").excluding("epochs");
  table.integer("grad-accum", c.grad_accum, 1, "batches in one step").rare();
  table.choice("optimizer", c.optimizer, {"sgd", "adam", "adamw"}, "update rule");
  table.number("momentum", c.momentum, kBelowOne, "momentum of sgd").needing("optimizer", {"sgd"}).rare();
  table.number("weight-decay", c.weight_decay, kNonNegative, "applied to every trained parameter");
  table.choice("schedule", c.schedule, training::schedule_names(), "of the learning rate");
  table.number("warmup-epochs", c.warmup_epochs, kNonNegative, "epochs of linear warm-up");
  table.number("min-lr", c.min_lr, kNonNegative, "final learning rate of the schedule").rare();
  table.number("clip", c.clip, kNonNegative, "maximum gradient norm; 0 disables clipping").rare();
  table
      .number("layer-decay", c.layer_decay, kShare,
              "factor of the learning rate from a block to the one below")
      .rare();
  table.integer("freeze-blocks", c.freeze_blocks, 0, "freeze the embeddings and the first N blocks").rare();
  table
      .integer("reinit-blocks", c.reinit_blocks, 0,
               "re-initialise the last N blocks and train all of their weights")
      .rare();
  table.number("ema", c.ema, kBelowOne, "decay of a moving average of the weights, which is kept; 0: off")
      .rare();
  table.flag("no-shuffle", c.no_shuffle, "train in sorted path order").rare();

  table.group("Regularization");
  table.number("label-smoothing", c.label_smoothing, kBelowOne, "probability spread over all classes").rare();
  table.number("mixup", c.mixup, kNonNegative, "alpha of mixup; 0: off").rare();
  table.number("cutmix", c.cutmix, kNonNegative, "alpha of CutMix; 0: off").rare();
  table.number("drop-path", c.drop_path, kBelowOne, "stochastic depth: rate in the last block").rare();

  table.group("Evaluation");
  table.integer("eval-every", c.eval_every, 1, "epochs between evaluations on val").handling();
}

void declare_saving(OptionTable& table, TuneOptions& o) {
  table.group("Run");
  table.integer("save-every", o.config.save_every, 0, "steps between checkpoints; 0: after every epoch")
      .handling()
      .rare();
  table.flag("no-memory-check", o.no_memory_check, "start even if the memory estimate exceeds free memory")
      .this_call()
      .rare();
}

void declare_tune(OptionTable& table, TuneOptions& o) {
  training::TrainConfig& c = o.config;
  declare_selection(table, o);
  table.group("Method");
  table
      .choice("recipe", o.recipe, {"none", "papers"},
              "papers: options that are not given are those of the method's paper")
      .this_call();
  table.group("Training");
  table.number("lr", c.lr, kPositive, "peak learning rate");
  declare_training(table, o);
  table.group("Evaluation");
  table.choice("keep", c.keep, {"last", "best"}, "which weights to keep: the last, or the best on val");
  table.flag("no-test", c.no_test, "do not evaluate on the test split").rare();
  declare_run(table, o);
}

void TuneOptions::check() const {
  config.check();
  if (!features.empty() && !config.knows_features())
    throw training::UsageError(
        "--features goes with --method linear, whose features stay as they are, and with images that do: "
        "without --augment, --mixup, --cutmix, --drop-path and --reinit-blocks");
}

nlohmann::ordered_json TuneOptions::to_json() const {
  TuneOptions copy = *this;  // for the table to be bound to
  OptionTable table;
  declare_tune(table, copy);
  return options_json(table);
}

nlohmann::ordered_json TuneOptions::identity_json() const {
  TuneOptions copy = *this;
  OptionTable table;
  declare_tune(table, copy);
  nlohmann::ordered_json identity = options_identity(table);
  if (config.keep == "best") identity["eval_every"] = config.eval_every;  // the weights it chooses among
  return identity;
}

namespace {

/// Reads words; nothing when help was printed. `given` gets what they give. Options that need or exclude each
/// other are left alone while a recipe may still add some.
std::optional<TuneOptions> read_words(std::span<const std::string> words, GivenOptions& given,
                                      bool has_recipe) {
  TuneOptions options;
  CommandLine line("tune", "Fine-tunes a checkpoint on a folder of images with one method.",
                   "espalier tune --model vit_base.safetensors --data flowers --method gps --epochs 20 "
                   "--out runs/flowers");
  declare_tune(line.table, options);
  if (!line.parse(words, CommandLine::Relations::leave)) return std::nullopt;
  if (has_recipe || options.recipe == "none") line.check_relations();
  given = line.given();
  return options;
}

}  // namespace

std::optional<TuneOptions> parse_tune(std::span<const std::string> words) {
  GivenOptions given;
  std::optional<TuneOptions> options = read_words(words, given, false);
  if (options && options->recipe == "papers") {
    const peft::MethodInfo& method = training::as_usage(
        [&]() -> const peft::MethodInfo& { return peft::find_method(options->config.method); });
    if (method.recipe.empty())
      throw training::UsageError("--recipe papers: there is no recipe of method " + method.name +
                                 "; `espalier methods NAME` shows those that there are");
    options = read_words(words_of(method, merged(method.recipe, given)), given, true);
  }
  if (options) options->check();
  return options;
}

}  // namespace cli
