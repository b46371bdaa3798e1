#include "tools/cli/model_options.h"

#include <limits>

namespace cli {

namespace {

constexpr Index kMostPixels = 8192;  // in a side of an image, as data::check_preprocessing has it

}  // namespace

void add_model_options(Args& args, training::ModelSource& model) {
  args.group("Model and images");
  args.text(
      "--model", model.model, "PATH",
      "checkpoint: a .safetensors file, the index of one in shards, or a folder with either and config.json");
  args.text("--arch", model.arch, "NAME", "random weights of this architecture, by timm's name");
  args.text("--mean", model.mean, "a,b,c", "subtracted from pixels in 0..1");
  args.text("--std", model.std, "a,b,c", "then divided by");
  args.choice("--interpolation", model.interpolation, {"bilinear", "bicubic"}, "how images are resized");
  args.choice("--resize", model.resize, {"squash", "crop"},
              "squash to N x N, or resize the short side and cut the centre");
  args.integer("--image-size", model.image_size, 1, "side of the images (the checkpoint's)", kMostPixels);
  args.integer("--seed", model.seed, 0, "of all random numbers", std::numeric_limits<Index>::max());
  args.integer("--threads", model.threads, 1, "threads (all cores); results do not depend on it",
               kMostThreads);
}

void add_data_options(Args& args, training::DataSource& data) {
  args.group("Data");
  args.text("--data", data.data, "DIR",
            "DIR/train/<class>/*, and val and test where they exist; or IDX files");
  args.text("--train-list", data.train_list, "FILE", "instead: lines `path label`");
  args.text("--val-list", data.val_list, "FILE", "");
  args.text("--test-list", data.test_list, "FILE", "");
  args.text("--data-root", data.data_root, "DIR", "what the paths in the lists are relative to");
  add_screening_options(args, data);
}

void add_screening_options(Args& args, training::DataSource& data) {
  args.choice("--on-bad-image", data.on_bad_image, {"error", "skip"},
              "skip: decode every image before anything else and leave out those that cannot be");
  args.flag("--allow-empty-class", data.allow_empty_class, "a class folder without images is no error");
}

}  // namespace cli
