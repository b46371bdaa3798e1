#include "tools/training/options/train_options.h"

#include <limits>

#include "data/augment.h"
#include "models/block.h"
#include "peft/methods.h"

namespace training {

using engine::kBelowOne, engine::kNonNegative, engine::kPositive, engine::kShare;

namespace {

// As data::check_preprocessing has it.
constexpr engine::NumberRange kCropShare{[](double x) { return x >= 0.01 && x <= 1; },
                                         "a number in [0.01, 1]"};

}  // namespace

void declare_base(OptionTable& table, ModelSource& model) {
  const char* const stored = "the checkpoint's";
  table.group("Model and images");
  table
      .input("model", model.model, "PATH",
             "checkpoint: a .safetensors file, an index of shards, or a folder with one and config.json")
      .excluding("arch", "the architecture comes from the checkpoint")
      .reading();
  table.text("arch", model.arch, "NAME", "random weights of timm's model of that name");
  table.image_size("image-size", model.image_size, "in pixels: N x N, or H x W").by_default(stored).reading();
  table.text("mean", model.mean, "a,b,c", "mean of each channel, in [0, 1]")
      .by_default(stored)
      .reading()
      .rare();
  table.text("std", model.std, "a,b,c", "per-channel standard deviation").by_default(stored).reading().rare();
  table.choice("interpolation", model.interpolation, {"bilinear", "bicubic"}, "how images are resized")
      .by_default(stored)
      .reading()
      .rare();
  table
      .choice("resize", model.resize, {"squash", "crop"},
              "squash to the image size, or resize the short side and crop the centre")
      .by_default(stored)
      .reading()
      .rare();
  table.number("crop-pct", model.crop_pct, kCropShare, "share of the short side kept")
      .by_default(stored)
      .needing_that(
          "images that are cut out", [&] { return model.resize != "squash"; },
          "--resize squash resizes them to their size at once")
      .reading()
      .rare();
  table
      .flag("exif-rotate", model.exif_rotate,
            "turn images by their EXIF orientation, as datasets does and timm does not")
      .by_default("the checkpoint's, or off")
      .reading()
      .rare();
}

void declare_model(OptionTable& table, ModelSource& model) {
  declare_base(table, model);
  table.integer("seed", model.seed, 0, "of all random numbers", std::numeric_limits<Index>::max());
  declare_threads(table, model.threads);
}

void declare_threads(OptionTable& table, Index& threads) {
  table.integer("threads", threads, 1, "CPU threads; results do not depend on it", kMostThreads)
      .by_default("OMP_NUM_THREADS, or the processors it may use")
      .handling();
}

void declare_data(OptionTable& table, DataSource& data) {
  table.group("Data");
  table
      .input("data", data.data, "DIR",
             "DIR/train/<class>/*, val and test; DIR/<class>/*; a list; Parquet or IDX files")
      .reading();
  const auto list = [&](const char* name, std::string& field, const char* help) {
    table.input(name, field, "FILE", help)
        .needing("data-root", {}, "the paths in a list are relative to it")
        .excluding("data", "the images are given in one form")
        .reading()
        .rare();
  };
  list("train-list", data.train_list, "in place of --data: `path label`, or .csv");
  list("val-list", data.val_list, "the same for val");
  list("test-list", data.test_list, "the same for test");
  table.input("data-root", data.data_root, "DIR", "folder that paths in lists are relative to")
      .needing_that(
          "--train-list, --val-list or --test-list", [&] { return data.has_lists(); },
          "--data DIR needs none")
      .reading()
      .rare();
  table.number("val-split", data.val_split, engine::kProperShare, "cut off as val where there are no splits")
      .by_default("0.2")
      .reading()
      .rare();
  table.number("test-split", data.test_split, engine::kProperShare, "the same for test")
      .by_default("0.2")
      .reading()
      .rare();
  table.text("group", data.group, "COLUMN", "column of a list that a cut keeps together").reading().rare();
  table
      .choice("class-order", data.class_order, {"sorted", "natural"},
              "1, 10, 2; or 1, 2, 10 as timm has them")
      .rare();
  declare_screening(table, data);
}

void declare_screening(OptionTable& table, DataSource& data) {
  table.group("Data");
  table
      .choice("on-bad-image", data.on_bad_image, {"error", "skip"},
              "skip: leave out those that do not decode")
      .reading()
      .rare();
  table.flag("allow-empty-class", data.allow_empty_class, "accept class folders without images")
      .needing_that(
          "folders of images", [&] { return !data.has_lists(); },
          "a list has only the classes that it has images of")
      .reading()
      .rare();
}

namespace {

std::vector<std::string> augmentation_names() {
  std::vector<std::string> names;
  for (const data::Augmentation& a : data::augmentations()) {
    if (a.name != "simclr") names.emplace_back(a.name);  // for scoring only
  }
  return names;
}

/// The facts of the method that is set.
peft::MethodTraits traits_of(const TrainConfig& c) {
  return peft::make_method(c.method, c.method_options)->traits();
}

bool trains_blocks(const TrainConfig& c) {
  return c.reinit_blocks > 0 || !traits_of(c).trains_head_only;
}

}  // namespace

void declare_depth(OptionTable& table, TrainConfig& c) {
  table.integer("freeze-blocks", c.freeze_blocks, 0, "freeze the embeddings and the first N blocks")
      .needing_that(
          "a method that trains more than the head", [&] { return trains_blocks(c); },
          "all blocks are frozen anyway")
      .rare();
  table.text("select-blocks", c.select_blocks, "A-B", "choose from blocks A to B, counted from 1")
      .by_default("all")
      .needing_that(
          "a method that chooses what it trains, as grft, gps and sift do",
          [&] { return traits_of(c).chooses; }, "the others train what their own options say")
      .rare();
}

void declare_selection(OptionTable& table, TrainConfig& c) {
  declare_model(table, c.model);
  declare_data(table, c.data);
  table.choice("on", c.on, {"train", "train+val"}, "split(s) to train on");
  table.group("Method");
  table.methods(c.method, c.method_options);
  declare_reading(table, c);
  declare_depth(table, c);
}

void declare_reading(OptionTable& table, TrainConfig& c) {
  const auto scores = [&] { return peft::make_method(c.method, c.method_options)->scoring() != nullptr; };
  table.group("Data");
  table.choice("augment", c.augment, augmentation_names(), "augmentation of training images");
  table.integer("augment-copies", c.augment_copies, 1, "fixed variants of each image")
      .by_default("new every epoch")
      .needing_that(
          "--augment", [&] { return c.augment != "none"; }, "images stay as they are")
      .rare();
  table.number("patch-drop", c.patch_drop, kBelowOne, "share of patches left out to train and to score")
      .rare();
  table.integer("batch-size", c.batch_size, 1, "images in a batch");
  table.integer("workers", c.workers, 0, "threads that decode images ahead", kMostWorkers).handling();
  table.flag("no-score-shuffle", c.no_score_shuffle, "score images in sorted path order")
      .needing_that("a method that scores images", scores)
      .needing_that(
          "images that are shuffled", [&] { return !c.no_shuffle; },
          "--no-shuffle has scoring in sorted path order, too")
      .rare();

  table.group("Method");
  table.choice("head", c.head, {"auto", "keep", "new"}, "auto keeps a head whose class count fits").rare();
  table.choice("init-head", c.init_head, {"zeros", "trunc-normal"}, "initial values of a new head")
      .needing("head", {"auto", "new"}, "a head that is kept has its values")
      .rare();
  table
      .choice("recompute", c.recompute, models::recompute_names(),
              "recompute what an MLP or a block keeps for the backward pass: less memory, same bits")
      .handling()
      .rare();
}

void declare_training(OptionTable& table, TrainConfig& c) {
  const char *const fixed_words = "a method whose selection stays",
                    *const changes = "it changes what it trains on the way";
  table.group("Training");
  table.integer("epochs", c.epochs, 1, "passes over the images");
  table.integer("steps", c.steps, 1, "steps of the run, in place of --epochs").excluding("epochs");
  table.integer("grad-accum", c.grad_accum, 1, "batches in a step; fewer in an epoch's last one").rare();
  table.choice("optimizer", c.optimizer, {"sgd", "adam", "adamw"}, "update rule");
  table.number("momentum", c.momentum, kBelowOne, "momentum of sgd")
      .needing("optimizer", {"sgd"}, "adam and adamw have moments of their own")
      .rare();
  table.number("weight-decay", c.weight_decay, kNonNegative, "applied to every trained parameter");
  table.choice("schedule", c.schedule, schedule_names(), "of the learning rate");
  table.number("warmup-epochs", c.warmup_epochs, kNonNegative, "epochs of linear warm-up");
  table.number("min-lr", c.min_lr, kNonNegative, "final learning rate of the schedule")
      .needing("schedule", {"cosine", "linear"}, "a constant rate does not fall to it")
      .rare();
  table.number("clip", c.clip, kNonNegative, "maximum gradient norm; 0 disables clipping").rare();
  table.number("layer-decay", c.layer_decay, kShare, "factor of the rate from a block to the one below")
      .needing_that(
          "a method that trains more than the head", [&] { return trains_blocks(c); },
          "the head has the whole rate")
      .rare();
  table.integer("reinit-blocks", c.reinit_blocks, 0, "give the last N blocks new weights, trained whole")
      .needing_that(
          fixed_words, [&] { return traits_of(c).selection_is_fixed; }, changes)
      .rare();
  table.number("ema", c.ema, kBelowOne, "decay of averaged weights that are kept; 0: off").rare();
  table.flag("no-shuffle", c.no_shuffle, "train in sorted path order").rare();

  table.group("Regularization");
  table
      .choice("class-weights", c.class_weights, {"none", "balanced"},
              "balanced: images / (classes x a class's)")
      .rare();
  table.number("label-smoothing", c.label_smoothing, kBelowOne, "probability spread over all classes").rare();
  table.number("mixup", c.mixup, kNonNegative, "alpha of mixup; 0: off").rare();
  table.number("cutmix", c.cutmix, kNonNegative, "alpha of CutMix; 0: off").rare();
  table.number("drop-path", c.drop_path, kBelowOne, "stochastic depth: rate in the last block").rare();

  table.group("Evaluation");
  table.integer("eval-every", c.eval_every, 1, "epochs between evaluations on val")
      .handling_unless("keep", "best")
      .needing_that(
          "--on train", [&] { return c.on == "train"; }, "val is not judged when it is trained on");
}

void declare_keeping(OptionTable& table, TrainConfig& c) {
  table.group("Training");
  table.number("lr", c.lr, kPositive, "peak learning rate");
  table.group("Evaluation");
  table.choice("keep", c.keep, {"last", "best"}, "which weights to keep: last, or best on val")
      .needing_that(
          "--on train", [&] { return c.on == "train"; }, "the best weights are chosen on val")
      .needing_that(
          "a method whose selection stays; with one that changes it while it trains, use --keep last",
          [&] { return traits_of(c).selection_is_fixed; }, "earlier weights cannot be put back");
  table.flag("no-test", c.no_test, "do not evaluate on the test split").handling().rare();
}

void declare_handling(OptionTable& table, TrainConfig& c) {
  table.group("Run");
  table.text("prefix-cache", c.prefix_cache, "off|auto|SIZE|DIR", "what frozen blocks give, kept; same bits")
      .handling()
      .rare();
  table.integer("save-every", c.save_every, 0, "steps between checkpoints; 0: after every epoch")
      .handling()
      .rare();
  table.choice("instruction-set", c.instruction_set, instruction_sets(), "of the inner loops; changes bits")
      .by_default("the best, or the resumed run's")
      .rare();
}

void declare_config(OptionTable& table, TrainConfig& c) {
  declare_selection(table, c);
  declare_training(table, c);
  declare_keeping(table, c);
  declare_handling(table, c);
}

}  // namespace training
