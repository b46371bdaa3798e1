#include <algorithm>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "data/codecs/decode.h"
#include "data/folder_items.h"
#include "engine/autograd/record.h"
#include "engine/base/text.h"
#include "tools/cli/command_line.h"
#include "tools/cli/commands/commands.h"
#include "tools/cli/console.h"
#include "tools/cli/model_options.h"
#include "tools/training/image_notes.h"
#include "tools/training/json_text.h"
#include "tools/training/tuned_model.h"
#include "tools/training/usage_error.h"

namespace cli {

using nlohmann::ordered_json;

namespace {

/// An image, of which `notes` are taken.
data::Image read(const std::string& path, training::ImageNotes& notes) {
  data::Image image = data::read_image(path);
  notes.add(image, path);
  return image;
}

/// The `count` most probable classes of one image.
ordered_json best_classes(training::LoadedModel& loaded, const data::Image& image, const std::string& path,
                          Index count) {
  const engine::NoGrad no_grad;
  const engine::Tensor logits = loaded.model(data::to_tensor(image, loaded.preprocessing));
  const auto x = logits.data<float>();
  engine::check(std::ranges::all_of(x, [](float v) { return std::isfinite(v); }), "the logits of", path,
                "are not all finite: the weights are too large for it");
  std::vector<std::size_t> order(x.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return x[a] > x[b]; });
  double total = 0;
  for (float v : x) total += std::exp(static_cast<double>(v - x[order[0]]));
  ordered_json top = ordered_json::array();
  for (std::size_t i = 0; i < std::min(order.size(), static_cast<std::size_t>(count)); ++i) {
    const std::string name = loaded.classes.empty() ? std::to_string(order[i]) : loaded.classes[order[i]];
    top.push_back(
        {{"class", name}, {"probability", std::exp(static_cast<double>(x[order[i]] - x[order[0]])) / total}});
  }
  return top;
}

/// The images that were named, and those below folders that were. Throws an Error for a folder without any.
std::vector<std::string> images_of(const std::vector<std::string>& names) {
  std::vector<std::string> files;
  for (const std::string& name : names) {
    if (!data::is_folder(name)) {
      files.push_back(name);
      continue;
    }
    const std::vector<std::filesystem::path> found = data::images_below(name).images;
    engine::check(!found.empty(), name + ":",
                  "no images in this folder (.jpg, .jpeg, .png, .bmp, .ppm or .pgm)");
    for (const std::filesystem::path& file : found) files.push_back(file.string());
  }
  return files;
}

/// Files that could not be read, each named on stderr when it is found.
class Bad {
 public:
  /// Runs `f`; true when it threw an Error, which is noted.
  template <class F>
  bool catches(F f) {
    try {
      f();
      return false;
    } catch (const engine::Error& e) {
      if (count_++ == 0) first_ = e.what();
      std::cout << std::flush;  // in the order of the files, where both streams go to one place
      note(std::string("skipped ") + e.what());
      return true;
    }
  }
  /// Throws an Error that names the first one when there are any among `all`.
  void check(std::size_t all, const char* what) const {
    engine::check(count_ == 0, count_, "of", all, "images", std::string(what) + "; the first is", first_);
  }

 private:
  Index count_ = 0;
  std::string first_;
};

/// Of --dry-run: reads every image.
void check_images(const std::vector<std::string>& files, training::ImageNotes& notes) {
  Bad bad;
  for (const std::string& file : files) bad.catches([&] { read(file, notes); });
  notes.note({.on_note = note});
  bad.check(files.size(), "cannot be read");
  std::cout << "all checks passed: " << files.size() << " images\n";
}

/// Prints predictions as they come: text, or the elements of a JSON array.
class Printer {
 public:
  explicit Printer(bool json) : json_(json) {}

  void print(const std::string& file, const ordered_json& top) {
    if (json_) {
      const std::string text = escaped_controls(training::json_text({{"file", file}, {"top", top}}, 2));
      std::cout << (count_ == 0 ? "[\n" : ",\n") << indented(text) << std::flush;
    } else {
      std::cout << shown(file) << '\n';
      for (const ordered_json& c : top) {
        std::cout << "  " << engine::fixed(100 * c["probability"].get<double>(), 1) << " %  "
                  << shown(c["class"].get<std::string>()) << '\n';
      }
      std::cout << std::flush;
    }
    ++count_;
    engine::check(static_cast<bool>(std::cout), "the result could not be written to standard output");
  }
  void finish() {
    if (json_) std::cout << (count_ == 0 ? "[]\n" : "\n]\n");
  }

 private:
  static std::string indented(const std::string& text) {
    std::string all = "  ";
    for (const char c : text) {
      all += c;
      if (c == '\n') all += "  ";
    }
    return all;
  }
  bool json_;
  Index count_ = 0;
};

}  // namespace

void run_predict(Arguments arguments) {
  training::ModelSource model;
  std::string delta;
  Index top = 5;
  bool force = false, json = false, no_memory_check = false;
  Checks checks;
  std::vector<std::string> files;
  CommandLine line(
      "predict", "Classes and probabilities of single images, or of all below a folder.",
      "espalier predict rose.jpg tulip.jpg --model vit_base.safetensors --delta runs/flowers/delta.safetensors");
  OptionTable& table = line.table;
  table.words("IMAGE", files, "image file, or a folder of images");
  declare_model(table, model);
  declare_delta(table, delta, force);
  table.group("Result");
  table.integer("top", top, 1, "classes to print for each image");
  table.flag("json", json, "print the result as one JSON array").this_call();
  declare_memory_check(table, no_memory_check);
  declare_checks(table, checks);
  if (!line.parse(arguments)) return;
  model.check();
  if (files.empty()) throw training::UsageError("predict: at least one image is needed");
  files = images_of(files);

  const training::Events events{.on_note = note};
  training::LoadedModel loaded = training::load_tuned_model(model, delta, force, events);
  training::check_head(loaded, delta.empty() ? model.model : delta);
  check_inference_memory(training::estimate_inference(loaded.model.config(), 1), no_memory_check);
  training::ImageNotes notes(
      {.strict = checks.strict, .orientation = model.passes_over_orientation(loaded.preprocessing)});
  if (checks.dry_run) return check_images(files, notes);
  engine::pack_weights(loaded.model);
  Printer printer(json);
  Bad bad;
  for (const std::string& file : files) {
    ordered_json best;
    if (bad.catches([&] { best = best_classes(loaded, read(file, notes), file, top); })) continue;
    printer.print(file, best);
  }
  printer.finish();
  notes.note(events);
  bad.check(files.size(), "have no prediction");
}

}  // namespace cli
