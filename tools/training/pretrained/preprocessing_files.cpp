#include "tools/training/pretrained/preprocessing_files.h"

#include <nlohmann/json.hpp>

#include "tools/training/pretrained/config_file.h"
#include "tools/training/pretrained/image_processor.h"
#include "tools/training/pretrained/open_clip_preprocessing.h"

namespace training {

using engine::Json;

std::optional<data::Preprocessing> read_preprocessing_files(const std::filesystem::path& folder,
                                                            const ModelSource& options,
                                                            std::vector<std::string>& notes) {
  std::optional<data::Preprocessing> how;
  in_config_file(folder / "processor_config.json", [&](const Json& json) {
    if (!json.contains("image_processor")) return;
    const Json& nested = json.at("image_processor");
    engine::check(nested.is_object(), "image_processor should be an object, not", nested.type_name());
    how = read_image_processor(nested, "processor_config.json", options, notes);
  });
  if (how) return how;
  in_config_file(folder / "preprocessor_config.json", [&](const Json& json) {
    how = read_image_processor(json, "preprocessor_config.json", options, notes);
  });
  if (how) return how;
  in_config_file(folder / "open_clip_config.json", [&](const Json& json) {
    how = read_open_clip_preprocessing(json, "open_clip_config.json", options, notes);
  });
  return how;
}

}  // namespace training
