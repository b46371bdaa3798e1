#include <algorithm>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "data/codecs/decode.h"
#include "engine/autograd/record.h"
#include "engine/base/text.h"
#include "tools/cli/command_line.h"
#include "tools/cli/commands/commands.h"
#include "tools/cli/console.h"
#include "tools/cli/model_options.h"
#include "tools/training/json_text.h"
#include "tools/training/tuned_model.h"
#include "tools/training/usage_error.h"

namespace cli {

using nlohmann::ordered_json;

namespace {

/// The `count` most probable classes of one image.
ordered_json best_classes(training::LoadedModel& loaded, const std::string& path, Index count) {
  const engine::NoGrad no_grad;
  const engine::Tensor logits = loaded.model(data::to_tensor(data::read_image(path), loaded.preprocessing));
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

}  // namespace

void run_predict(Arguments arguments) {
  training::ModelSource model;
  std::string delta;
  Index top = 5;
  bool force = false, json = false;
  std::vector<std::string> files;
  CommandLine line(
      "predict", "Classes and probabilities of single images.",
      "espalier predict rose.jpg tulip.jpg --model vit_base.safetensors --delta runs/flowers/delta.safetensors");
  OptionTable& table = line.table;
  table.words("IMAGE", files, "image file");
  declare_model(table, model);
  declare_delta(table, delta, force);
  table.group("Result");
  table.integer("top", top, 1, "classes to print for each image");
  table.flag("json", json, "print the result as one JSON array").this_call();
  if (!line.parse(arguments)) return;
  model.check();
  if (files.empty()) throw training::UsageError("predict: at least one image is needed");

  const training::Events events{.on_note = note};
  training::LoadedModel loaded = training::load_tuned_model(model, delta, force, events);
  training::check_head(loaded, delta.empty() ? model.model : delta);
  engine::pack_weights(loaded.model);
  ordered_json all = ordered_json::array();
  for (const std::string& file : files)
    all.push_back({{"file", file}, {"top", best_classes(loaded, file, top)}});
  if (json) {
    std::cout << training::json_text(all, 2) << '\n';
    return;
  }
  for (const ordered_json& image : all) {
    std::cout << image["file"].get<std::string>() << '\n';
    for (const ordered_json& c : image["top"]) {
      std::cout << "  " << engine::fixed(100 * c["probability"].get<double>(), 1) << " %  "
                << c["class"].get<std::string>() << '\n';
    }
  }
}

}  // namespace cli
