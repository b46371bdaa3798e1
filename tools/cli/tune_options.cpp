#include "tools/cli/tune_options.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "data/augment.h"
#include "models/block.h"
#include "peft/methods.h"
#include "tools/cli/given_options.h"
#include "tools/training/usage_error.h"

namespace cli {
namespace {

const std::vector<std::string> kSchedules{"constant", "cosine", "linear"};

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
  model.add_to(args);
  data.add_to(args);
  args.choice("--on", on, {"train", "train+val"}, "the images to learn from");
  add_handling(args);
  args.group("Method");
  args.text("--method", method, "NAME", "see `espalier methods`");
  args.method_options(method_options);
}

void TuneOptions::add_handling(Args& args) {
  args.choice("--augment", augment, augmentation_names(), "how training images are varied");
  args.integer("--batch-size", batch_size, 1, "images in a batch");
  args.integer("--workers", workers, 0, "threads that decode ahead", kMostWorkers);
  args.choice("--head", head, {"auto", "keep", "new"}, "auto keeps a head whose class count fits");
  args.choice("--init-head", init_head, {"zeros", "trunc-normal"}, "values of a new head");
  args.choice(
      "--recompute", recompute, models::recompute_names(),
      "what the backward pass runs again: the hidden layer of every block, or blocks as a whole; less "
      "memory, more time, the same bits");
  args.flag("--no-score-shuffle", no_score_shuffle, "score in sorted path order");
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
  args.number("--lr", lr, positive, "a number above 0", "the highest learning rate");
  add_steps(args);
  args.choice("--keep", keep, {"last", "best"}, "the numbers to keep: the last, or the best on val");
  args.flag("--no-test", no_test, "leave the test images alone");
  args.flag("--json", json, "print the result as one JSON object");
}

void TuneOptions::add_steps(Args& args) {
  args.integer("--epochs", epochs, 1, "passes over the images");
  args.integer("--steps", steps, 1, "instead of --epochs");
  args.integer("--grad-accum", grad_accum, 1, "batches for one step");
  args.choice("--optimizer", optimizer, {"sgd", "adam", "adamw"}, "");
  args.number("--momentum", momentum, below_one, "a number in [0, 1)", "of sgd");
  args.number("--weight-decay", weight_decay, not_negative, "a number of 0 or more",
              "of every number that trains");
  args.choice("--schedule", schedule, kSchedules, "of the learning rate");
  args.number("--warmup-epochs", warmup_epochs, not_negative, "a number of 0 or more",
              "epochs in which the rate grows");
  args.number("--min-lr", min_lr, not_negative, "a number of 0 or more", "where the rate ends");
  args.number("--clip", clip, not_negative, "a number of 0 or more",
              "largest length of the gradient; 0: any");
  args.number("--label-smoothing", label_smoothing, below_one, "a number in [0, 1)", "");
  args.number("--mixup", mixup, not_negative, "a number of 0 or more", "strength; 0: off");
  args.number("--cutmix", cutmix, not_negative, "a number of 0 or more", "strength; 0: off");
  args.number("--drop-path", drop_path, below_one, "a number in [0, 1)", "rate in the last block");
  args.number("--ema", ema, below_one, "a number in [0, 1)",
              "decay of an average of the weights, which is then kept; 0: off");
  args.number("--layer-decay", layer_decay, share, "a number in (0, 1]",
              "factor of the learning rate from a block to the one below");
  args.integer("--freeze-blocks", freeze_blocks, 0, "keep the embeddings and the first N blocks as they are");
  args.integer("--reinit-blocks", reinit_blocks, 0,
               "give the last N blocks new numbers and train them whole");
  args.flag("--no-shuffle", no_shuffle, "train in sorted path order");
  args.integer("--eval-every", eval_every, 1, "epochs between evaluations on val");
  args.integer("--save-every", save_every, 0, "steps between checkpoints; 0: after every epoch");
  args.flag("--no-memory-check", no_memory_check, "begin even where less memory is free than is foretold");
}

void TuneOptions::check() const {
  model.check();
  data.check();
  if (resume && overwrite) throw training::UsageError("--resume and --overwrite exclude each other");
  if (resume && out.empty()) throw training::UsageError("--resume needs --out, the run to go on with");
  if (keep == "best" && on == "train+val")
    throw training::UsageError("--keep best needs val to choose on, so --on train");
  if (momentum > 0 && optimizer != "sgd") throw training::UsageError("--momentum goes with --optimizer sgd");
  if (min_lr > lr) throw training::UsageError("--min-lr is above --lr");
  training::as_usage([&] {
    const bool fixed = peft::make_method(method, method_options)->traits().selection_is_fixed;
    engine::check(keep != "best" || fixed, "--keep best does not go with --method",
                  method +
                      ": it chooses other numbers while it trains, so that earlier ones cannot be put back; "
                      "use --keep last");
    engine::check(reinit_blocks == 0 || fixed, "--reinit-blocks does not go with --method",
                  method + ": it chooses other numbers while it trains");
  });
  if (!features.empty() && !knows_features())
    throw training::UsageError(
        "--features goes with --method linear, whose features stay as they are, and with images that do: "
        "without --augment, --mixup, --cutmix, --drop-path and --reinit-blocks");
}

bool TuneOptions::knows_features() const {
  return peft::make_method(method, method_options)->traits().trains_head_only && augment == "none" &&
         mixup == 0 && cutmix == 0 && drop_path == 0 && reinit_blocks == 0;
}

std::unique_ptr<engine::Optimizer> TuneOptions::make_optimizer(
    const std::vector<engine::NamedParameter>& all) const {
  if (optimizer == "sgd") return engine::make_sgd(all, {.momentum = momentum, .weight_decay = weight_decay});
  return engine::make_adam(all, {.weight_decay = weight_decay, .decoupled = optimizer == "adamw"});
}

Index TuneOptions::total_steps(Index steps_per_epoch) const {
  return steps > 0 ? steps : epochs * steps_per_epoch;
}

engine::Schedule TuneOptions::make_schedule(Index total, Index steps_per_epoch) const {
  engine::Schedule s;
  s.kind = static_cast<engine::Schedule::Kind>(std::ranges::find(kSchedules, schedule) - kSchedules.begin());
  s.lr = lr, s.min_lr = min_lr;
  s.steps = total;
  s.warmup =
      std::lround(std::min(warmup_epochs * static_cast<double>(steps_per_epoch),
                           static_cast<double>(s.steps)));  // clamped before it is rounded: it may be 1e300
  return s;
}

nlohmann::ordered_json TuneOptions::to_json() const {
  const auto& info = peft::find_method(method);
  return {{"model", model.model},
          {"arch", model.arch},
          {"mean", model.mean},
          {"std", model.std},
          {"interpolation", model.interpolation},
          {"resize", model.resize},
          {"image_size", model.image_size},
          {"seed", model.seed},
          {"data", data.data},
          {"train_list", data.train_list},
          {"val_list", data.val_list},
          {"test_list", data.test_list},
          {"data_root", data.data_root},
          {"on_bad_image", data.on_bad_image},
          {"allow_empty_class", data.allow_empty_class},
          {"on", on},
          {"method", method},
          {"method_options", peft::OptionValues(method, info.options, method_options).all()},
          {"head", head},
          {"init_head", init_head},
          {"augment", augment},
          {"batch_size", batch_size},
          {"workers", workers},
          {"recompute", recompute},
          {"no_score_shuffle", no_score_shuffle},
          {"no_shuffle", no_shuffle},
          {"epochs", epochs},
          {"steps", steps},
          {"grad_accum", grad_accum},
          {"lr", lr},
          {"optimizer", optimizer},
          {"momentum", momentum},
          {"weight_decay", weight_decay},
          {"schedule", schedule},
          {"warmup_epochs", warmup_epochs},
          {"min_lr", min_lr},
          {"clip", clip},
          {"label_smoothing", label_smoothing},
          {"mixup", mixup},
          {"cutmix", cutmix},
          {"drop_path", drop_path},
          {"ema", ema},
          {"layer_decay", layer_decay},
          {"freeze_blocks", freeze_blocks},
          {"reinit_blocks", reinit_blocks},
          {"eval_every", eval_every},
          {"save_every", save_every},
          {"keep", keep},
          {"no_test", no_test}};
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
    const peft::MethodInfo& method =
        training::as_usage([&]() -> const peft::MethodInfo& { return peft::find_method(options->method); });
    if (method.recipe.empty())
      throw training::UsageError("--recipe papers: no recipe of method " + method.name +
                                 " is kept; `espalier methods NAME` shows those that are");
    options = read_words(words_of(method, merged(method.recipe, given)), given);
  }
  if (options) options->check();
  return options;
}

}  // namespace cli
