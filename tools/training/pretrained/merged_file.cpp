#include "tools/training/pretrained/merged_file.h"

#include <nlohmann/json.hpp>

#include "tools/training/json_text.h"
#include "tools/training/pretrained/license.h"
#include "tools/training/pretrained/metadata.h"
#include "tools/training/pretrained/model_path.h"
#include "tools/training/pretrained/weights.h"

namespace training {

void write_merged(const std::string& out, const LoadedModel& tuned, engine::NamedTensors tensors,
                  const std::string& base, const engine::FileCheck& check) {
  std::string license;
  if (!tuned.checkpoint.empty()) {
    const Weights weights(tuned.checkpoint);
    tensors = weights.in_its_names(tensors);
    license = stated_license(find_model(base).folder, weights.metadata());
  }
  engine::Metadata metadata = model_metadata(tuned.model.config());
  metadata.insert({{"format", "pt"},
                   {"arch", tuned.arch},
                   {"classes", json_text(tuned.classes)},
                   {"preprocessing", preprocessing_json(tuned.preprocessing)}});
  if (!license.empty()) metadata["license"] = license;
  if (!tuned.cut_sha256.empty()) metadata["cut_sha256"] = tuned.cut_sha256;
  engine::write_safetensors(out, tensors, metadata, {}, check);
}

}  // namespace training
