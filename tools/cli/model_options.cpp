#include "tools/cli/model_options.h"

#include <array>
#include <limits>

#include "engine/base/text.h"
#include "models/zoo.h"
#include "tools/cli/console.h"
#include "tools/training/usage_error.h"

namespace cli {

using data::Preprocessing;

namespace {

constexpr Index kMostPixels = 8192;  // in a side of an image, as data::check_preprocessing has it

std::array<float, 3> three_numbers(const std::string& text, const std::string& option) {
  const std::vector<std::string> parts = engine::split(text, ',');
  if (parts.size() != 3)
    throw training::UsageError(option + " takes three numbers a,b,c, not '" + text + "'");
  std::array<float, 3> numbers{};
  for (std::size_t i = 0; i < 3; ++i) numbers[i] = static_cast<float>(engine::parse_number(parts[i], option));
  return numbers;
}

}  // namespace

void ModelOptions::add_to(Args& args) {
  args.group("Model and images");
  args.text(
      "--model", model, "PATH",
      "checkpoint: a .safetensors file, the index of one in shards, or a folder with either and config.json");
  args.text("--arch", arch, "NAME", "random weights of this architecture, by timm's name");
  args.text("--mean", mean, "a,b,c", "subtracted from pixels in 0..1");
  args.text("--std", std, "a,b,c", "then divided by");
  args.choice("--interpolation", interpolation, {"bilinear", "bicubic"}, "how images are resized");
  args.choice("--resize", resize, {"squash", "crop"},
              "squash to N x N, or resize the short side and cut the centre");
  args.integer("--image-size", image_size, 1, "side of the images (the checkpoint's)", kMostPixels);
  args.integer("--seed", seed, 0, "of all random numbers", std::numeric_limits<Index>::max());
  args.integer("--threads", threads, 1, "threads (all cores); results do not depend on it", kMostThreads);
}

void ModelOptions::check() const {
  if (model.empty() && arch.empty())
    throw training::UsageError("a model is needed: --model PATH, or --arch NAME for random weights");
  if (!model.empty() && !arch.empty())
    throw training::UsageError(
        "--model and --arch exclude each other: the architecture comes from the checkpoint");
  Preprocessing how;
  override_with_options(how);
  if (!arch.empty()) training::as_usage([&] { models::architecture(arch); });
}

Preprocessing ModelOptions::preprocessing(const std::optional<Preprocessing>& told, Index size) const {
  const bool any_option = !(mean + std + interpolation + resize).empty();
  if (!told && !any_option)
    note("note: no config tells how images are prepared; using mean = std = 0.5, bicubic, squash");
  Preprocessing how = told.value_or(Preprocessing{});
  how.size = size;
  override_with_options(how);
  return how;
}

void ModelOptions::override_with_options(Preprocessing& how) const {
  training::as_usage([&] {
    if (!mean.empty()) how.mean = three_numbers(mean, "--mean");
    if (!std.empty()) how.std = three_numbers(std, "--std");
    if (!interpolation.empty()) how.filter = data::filter_named(interpolation);
    if (!resize.empty()) how.mode = data::mode_named(resize);
    data::check_preprocessing(how);
  });
}

}  // namespace cli
