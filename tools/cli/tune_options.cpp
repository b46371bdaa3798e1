#include "tools/cli/tune_options.h"

#include <nlohmann/json.hpp>

#include "data/augment.h"
#include "models/block.h"
#include "peft/methods.h"
#include "tools/cli/given_options.h"
#include "tools/cli/model_options.h"
#include "tools/training/usage_error.h"

namespace cli {
namespace {

bool positive(double x) {
  return x > 0;
}
bool not_negative(double x) {
  return x >= 0;
}
bool share(double x) {
  return x > 0 && x <= 1;
}
bool below_one(double x) {
  return x >= 0 && x < 1;
}

std::vector<std::string> augmentation_names() {
  std::vector<std::string> names;
  for (const data::Augmentation& a : data::augmentations()) {
    if (a.name != "simclr") names.emplace_back(a.name);  // for scoring only
  }
  return names;
}

}  // namespace

void TuneOptions::add_selection(Args& args) {
  add_model_options(args, config.model);
  add_data_options(args, config.data);
  args.choice("--on", config.on, {"train", "train+val"}, "the images to learn from");
  add_handling(args);
  args.group("Method");
  args.text("--method", config.method, "NAME", "see `espalier methods`");
  args.method_options(config.method_options);
}

void TuneOptions::add_handling(Args& args) {
  args.choice("--augment", config.augment, augmentation_names(), "how training images are varied");
  args.integer("--batch-size", config.batch_size, 1, "images in a batch");
  args.integer("--workers", config.workers, 0, "threads that decode ahead", kMostWorkers);
  args.choice("--head", config.head, {"auto", "keep", "new"}, "auto keeps a head whose class count fits");
  args.choice("--init-head", config.init_head, {"zeros", "trunc-normal"}, "values of a new head");
  args.choice(
      "--recompute", config.recompute, models::recompute_names(),
      "what the backward pass runs again: the hidden layer of every block, or blocks as a whole; less "
      "memory, more time, the same bits");
  args.flag("--no-score-shuffle", config.no_score_shuffle, "score in sorted path order");
}

void TuneOptions::add_training(Args& args) {
  args.group("Training");
  args.text("--out", out, "DIR", "the run's folder (runs/<data>-<method>-<n>)");
  args.text("--features", features, "DIR",
            "of linear: learn from features of the images that DIR keeps for the next run; the same bits");
  args.flag("--resume", resume, "go on with the run in --out");
  args.flag("--overwrite", overwrite, "begin anew in --out");
  args.choice("--recipe", recipe, {"none", "papers"},
              "papers: what is not given is as the method's paper has it, see `espalier methods NAME`");
  args.number("--lr", config.lr, positive, "a number above 0", "the highest learning rate");
  add_steps(args);
  args.choice("--keep", config.keep, {"last", "best"}, "the numbers to keep: the last, or the best on val");
  args.flag("--no-test", config.no_test, "leave the test images alone");
  args.flag("--json", json, "print the result as one JSON object");
}

void TuneOptions::add_steps(Args& args) {
  args.integer("--epochs", config.epochs, 1, "passes over the images");
  args.integer("--steps", config.steps, 1, "instead of --epochs");
  args.integer("--grad-accum", config.grad_accum, 1, "batches for one step");
  args.choice("--optimizer", config.optimizer, {"sgd", "adam", "adamw"}, "");
  args.number("--momentum", config.momentum, below_one, "a number in [0, 1)", "of sgd");
  args.number("--weight-decay", config.weight_decay, not_negative, "a number of 0 or more",
              "of every number that trains");
  args.choice("--schedule", config.schedule, training::schedule_names(), "of the learning rate");
  args.number("--warmup-epochs", config.warmup_epochs, not_negative, "a number of 0 or more",
              "epochs in which the rate grows");
  args.number("--min-lr", config.min_lr, not_negative, "a number of 0 or more", "where the rate ends");
  args.number("--clip", config.clip, not_negative, "a number of 0 or more",
              "largest length of the gradient; 0: any");
  args.number("--label-smoothing", config.label_smoothing, below_one, "a number in [0, 1)", "");
  args.number("--mixup", config.mixup, not_negative, "a number of 0 or more", "strength; 0: off");
  args.number("--cutmix", config.cutmix, not_negative, "a number of 0 or more", "strength; 0: off");
  args.number("--drop-path", config.drop_path, below_one, "a number in [0, 1)", "rate in the last block");
  args.number("--ema", config.ema, below_one, "a number in [0, 1)",
              "decay of an average of the weights, which is then kept; 0: off");
  args.number("--layer-decay", config.layer_decay, share, "a number in (0, 1]",
              "factor of the learning rate from a block to the one below");
  args.integer("--freeze-blocks", config.freeze_blocks, 0,
               "keep the embeddings and the first N blocks as they are");
  args.integer("--reinit-blocks", config.reinit_blocks, 0,
               "give the last N blocks new numbers and train them whole");
  args.flag("--no-shuffle", config.no_shuffle, "train in sorted path order");
  args.integer("--eval-every", config.eval_every, 1, "epochs between evaluations on val");
  args.integer("--save-every", config.save_every, 0, "steps between checkpoints; 0: after every epoch");
  args.flag("--no-memory-check", no_memory_check, "begin even where less memory is free than is foretold");
}

void TuneOptions::check() const {
  config.check();
  if (resume && overwrite) throw training::UsageError("--resume and --overwrite exclude each other");
  if (resume && out.empty()) throw training::UsageError("--resume needs --out, the run to go on with");
  if (!features.empty() && !config.knows_features())
    throw training::UsageError(
        "--features goes with --method linear, whose features stay as they are, and with images that do: "
        "without --augment, --mixup, --cutmix, --drop-path and --reinit-blocks");
}

nlohmann::ordered_json TuneOptions::to_json() const {
  const training::TrainConfig& c = config;
  const auto& info = peft::find_method(c.method);
  return {{"model", c.model.model},
          {"arch", c.model.arch},
          {"mean", c.model.mean},
          {"std", c.model.std},
          {"interpolation", c.model.interpolation},
          {"resize", c.model.resize},
          {"image_size", c.model.image_size},
          {"seed", c.model.seed},
          {"data", c.data.data},
          {"train_list", c.data.train_list},
          {"val_list", c.data.val_list},
          {"test_list", c.data.test_list},
          {"data_root", c.data.data_root},
          {"on_bad_image", c.data.on_bad_image},
          {"allow_empty_class", c.data.allow_empty_class},
          {"on", c.on},
          {"method", c.method},
          {"method_options", peft::OptionValues(c.method, info.options, c.method_options).all()},
          {"head", c.head},
          {"init_head", c.init_head},
          {"augment", c.augment},
          {"batch_size", c.batch_size},
          {"workers", c.workers},
          {"recompute", c.recompute},
          {"no_score_shuffle", c.no_score_shuffle},
          {"no_shuffle", c.no_shuffle},
          {"epochs", c.epochs},
          {"steps", c.steps},
          {"grad_accum", c.grad_accum},
          {"lr", c.lr},
          {"optimizer", c.optimizer},
          {"momentum", c.momentum},
          {"weight_decay", c.weight_decay},
          {"schedule", c.schedule},
          {"warmup_epochs", c.warmup_epochs},
          {"min_lr", c.min_lr},
          {"clip", c.clip},
          {"label_smoothing", c.label_smoothing},
          {"mixup", c.mixup},
          {"cutmix", c.cutmix},
          {"drop_path", c.drop_path},
          {"ema", c.ema},
          {"layer_decay", c.layer_decay},
          {"freeze_blocks", c.freeze_blocks},
          {"reinit_blocks", c.reinit_blocks},
          {"eval_every", c.eval_every},
          {"save_every", c.save_every},
          {"keep", c.keep},
          {"no_test", c.no_test}};
}

nlohmann::ordered_json TuneOptions::identity_json() const {
  nlohmann::ordered_json all = to_json();
  for (const char* free : {"eval_every", "save_every", "workers", "recompute"}) all.erase(free);
  return all;
}

namespace {

/// Reads words; nothing after --help. `given` gets what they tell.
std::optional<TuneOptions> read_words(std::span<const std::string> words, GivenOptions& given) {
  TuneOptions options;
  Args args("tune", "Fine-tunes a checkpoint on a folder of images with one method.");
  options.add_selection(args);
  options.add_training(args);
  if (!args.parse(words)) return std::nullopt;
  if (args.given("--epochs") && args.given("--steps"))
    throw training::UsageError("--epochs and --steps exclude each other");
  given = args.all_given();
  return options;
}

}  // namespace

std::optional<TuneOptions> parse_tune(std::span<const std::string> words) {
  GivenOptions given;
  std::optional<TuneOptions> options = read_words(words, given);
  if (options && options->recipe == "papers") {
    const peft::MethodInfo& method = training::as_usage(
        [&]() -> const peft::MethodInfo& { return peft::find_method(options->config.method); });
    if (method.recipe.empty())
      throw training::UsageError("--recipe papers: no recipe of method " + method.name +
                                 " is kept; `espalier methods NAME` shows those that are");
    options = read_words(words_of(method, merged(method.recipe, given)), given);
  }
  if (options) options->check();
  return options;
}

}  // namespace cli
