#include "tools/cli/model_options.h"

#include <limits>

namespace cli {

namespace {

constexpr Index kMostPixels = 8192;  // in a side of an image, as data::check_preprocessing has it

}  // namespace

void declare_base(OptionTable& table, training::ModelSource& model) {
  const char* const stored = "the checkpoint's";
  table.group("Model and images");
  table
      .input("model", model.model, "PATH",
             "checkpoint: a .safetensors file, an index of shards, or a folder with one and config.json")
      .excluding("arch");
  table.text("arch", model.arch, "NAME", "random weights of this architecture, by timm's name");
  table.integer("image-size", model.image_size, 1, "image side in pixels", kMostPixels).by_default(stored);
  table.text("mean", model.mean, "a,b,c", "per-channel mean of pixels scaled to [0, 1]")
      .by_default(stored)
      .rare();
  table.text("std", model.std, "a,b,c", "per-channel standard deviation of pixels scaled to [0, 1]")
      .by_default(stored)
      .rare();
  table.choice("interpolation", model.interpolation, {"bilinear", "bicubic"}, "how images are resized")
      .by_default(stored)
      .rare();
  table
      .choice("resize", model.resize, {"squash", "crop"},
              "squash to N x N, or resize the short side and crop the centre")
      .by_default(stored)
      .rare();
}

void declare_model(OptionTable& table, training::ModelSource& model) {
  declare_base(table, model);
  table.integer("seed", model.seed, 0, "of all random numbers", std::numeric_limits<Index>::max());
  declare_threads(table, model.threads);
}

void declare_threads(OptionTable& table, Index& threads) {
  table.integer("threads", threads, 1, "CPU threads; results do not depend on it", kMostThreads)
      .by_default("all cores")
      .handling();
}

void declare_data(OptionTable& table, training::DataSource& data) {
  table.group("Data");
  table.input("data", data.data, "DIR", "DIR/train/<class>/*, val and test where they exist; or IDX files");
  table.input("train-list", data.train_list, "FILE", "instead of --data: lines `path label`")
      .needing("data-root")
      .excluding("data")
      .rare();
  table.input("val-list", data.val_list, "FILE", "the same for val").needing("data-root").rare();
  table.input("test-list", data.test_list, "FILE", "the same for test").needing("data-root").rare();
  table.input("data-root", data.data_root, "DIR", "folder that the paths in the lists are relative to")
      .rare();
  declare_screening(table, data);
}

void declare_screening(OptionTable& table, training::DataSource& data) {
  table.group("Data");
  table
      .choice("on-bad-image", data.on_bad_image, {"error", "skip"},
              "skip: decode every image first and leave out those that cannot be decoded")
      .rare();
  table.flag("allow-empty-class", data.allow_empty_class, "accept class folders without images").rare();
}

void declare_delta(OptionTable& table, std::string& delta, bool& force) {
  table.input("delta", delta, "FILE", "delta to apply to --model");
  table.flag("force", force, "apply a delta that was made for another base").needing("delta");
}

void declare_ignored_threads(OptionTable& table, Index& threads) {
  table.integer("threads", threads, 1, "ignored; accepted by every command", kMostThreads)
      .by_default("all cores")
      .this_call();
}

}  // namespace cli
