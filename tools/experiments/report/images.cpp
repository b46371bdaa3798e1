#include "tools/experiments/report/images.h"

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "data/thumbnail.h"
#include "data/transforms.h"
#include "tools/experiments/report/base64.h"
#include "tools/training/data_source.h"
#include "tools/training/json_field.h"

namespace experiments {

using engine::Index;
using engine::Json;

namespace {

training::DataSource data_source(const Json& config) {
  training::DataSource options;
  const auto take = [&](const char* key, std::string& target) {
    target = training::field<std::string>(config, key).value_or("");
  };
  take("data", options.data);
  take("train_list", options.train_list);
  take("val_list", options.val_list);
  take("test_list", options.test_list);
  take("data_root", options.data_root);
  take("group", options.group);
  options.class_order = training::field<std::string>(config, "class_order").value_or(options.class_order);
  options.val_split = training::field<double>(config, "val_split").value_or(0);
  options.test_split = training::field<double>(config, "test_split").value_or(0);
  options.seed = training::field<Index>(config, "seed").value_or(0);
  options.allow_empty_class = true;
  options.val_counts = training::field<std::string>(config, "on") == "train+val";
  return options;
}

/// True when the run turned images upright.
bool turns(const Json& config) {
  const auto how = config.find("preprocessing");
  return how != config.end() && how->is_object() &&
         training::field<bool>(*how, "exif_rotate").value_or(false);
}

std::string data_uri(const data::Image& image) {
  constexpr Index kSide = 96;
  const std::string jpeg = data::thumbnail(image, kSide);
  return "data:image/jpeg;base64," + base64(std::as_bytes(std::span(jpeg)));
}

}  // namespace

std::shared_ptr<const data::Dataset> reopen_split(const Json& config, const std::string& split,
                                                  const Note& note) {
  try {
    const training::DataSource options = data_source(config);
    options.check();
    return training::find_split(training::open_splits(options, {}, 0, {.on_note = note}), split);
  } catch (const std::exception& e) {  // the file system throws its own
    note(std::string("note: the report has no images: ") + e.what());
    return nullptr;
  }
}

void add_images(Json& mistakes, const Json& config, const data::Dataset& split, const Note& note) {
  const data::Preprocessing how{.exif_rotate = turns(config)};
  std::map<std::string, Json*> wanted;
  for (Json& mistake : mistakes) wanted[mistake["file"]] = &mistake;
  for (Index i = 0; i < split.size() && !wanted.empty(); ++i) {
    const auto found = wanted.find(split.name(i));
    if (found == wanted.end()) continue;
    try {
      (*found->second)["image"] = data_uri(data::turned(split.image(i), how));
    } catch (const engine::Error& e) {
      note(std::string("note: left out of the report: ") + e.what());
    }
    wanted.erase(found);
  }
}

}  // namespace experiments
