#include "tools/training/pretrained/open_clip_preprocessing.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "engine/io/in_quotes.h"
#include "tools/training/pretrained/config_fields.h"
#include "tools/training/pretrained/config_values.h"

namespace training {

using data::Preprocessing;
using engine::Index;
using engine::Json;

namespace {

constexpr Index kSize = 224;  // where vision_cfg does not say

constexpr struct ResizeMode {
  const char* name;
  Preprocessing::Mode mode;
} kResizeModes[] = {{"shortest", Preprocessing::Mode::crop},
                    {"squash", Preprocessing::Mode::squash},
                    {"longest", Preprocessing::Mode::longest}};

/// The object of that name in another, or an empty one.
Json member(const Json& json, const char* name) {
  if (!json.contains(name) || json.at(name).is_null()) return Json::object();
  engine::check(json.at(name).is_object(), name, "should be an object, not", json.at(name).type_name());
  return json.at(name);
}

}  // namespace

std::optional<Preprocessing> read_open_clip_preprocessing(const Json& json, const std::string& file,
                                                          const ModelSource& options,
                                                          std::vector<std::string>& notes) {
  if (!json.contains("preprocess_cfg")) return std::nullopt;
  const Json cfg = member(json, "preprocess_cfg");
  std::vector<std::string> unknown;
  check_config_fields(cfg, std::array{ConfigForm::open_clip_preprocess}, "preprocess_cfg.", unknown);
  note_unknown(unknown, file, notes);

  Preprocessing how{.crop_pct = 1, .mean = kClipMean, .std = kClipStd};
  how.size =
      image_size_in(member(member(json, "model_cfg"), "vision_cfg"), "image_size", "vision_cfg.image_size")
          .value_or(kSize);
  const auto filter = field<std::string>(cfg, "interpolation");
  if (filter && options.interpolation.empty()) how.filter = data::filter_named(*filter);
  const std::string resize = field<std::string>(cfg, "resize_mode").value_or("shortest");
  const auto* const known = std::ranges::find(kResizeModes, resize, &ResizeMode::name);
  engine::check(known != std::end(kResizeModes) || !options.resize.empty(),
                "resize_mode should be shortest, squash or longest, not",
                engine::in_quotes(resize) + "; --resize overrides it");
  how.mode = known != std::end(kResizeModes) ? known->mode : Preprocessing::Mode::crop;
  if (how.mode == Preprocessing::Mode::crop && !how.size.is_single() && options.interpolation.empty()) {
    if (how.filter != data::Filter::bicubic)
      notes.push_back(file +
                      ": interpolation is passed over, as open_clip does for images to be covered "
                      "that are not square: bicubic");
    how.filter = data::Filter::bicubic;
  }
  read_three(cfg, "mean", how.mean);
  read_three(cfg, "std", how.std);
  check_stored(how);
  return how;
}

}  // namespace training
