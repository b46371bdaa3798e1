#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/io/json.h"

/// The one list of what files say of a model (config_fields.def), so that nothing that changes numbers is
/// passed over in silence.
namespace training {

/// Where a field stands.
enum class ConfigForm {
  timm,                 ///< the root of timm's config.json
  timm_cfg,             ///< its pretrained_cfg
  timm_args,            ///< its model_args
  hugging_face,         ///< Hugging Face's config.json
  hugging_face_beit,    ///< what BEiT and Data2Vec have in it beside,
  hugging_face_dinov2,  ///< Dinov2,
  hugging_face_dinov3,
  hugging_face_two_towers,  ///< CLIP and SigLIP
  processor,                ///< preprocessor_config.json, or image_processor in processor_config.json
  open_clip,                ///< OpenCLIP's open_clip_config.json
  open_clip_model,          ///< model_cfg in it
  open_clip_vision,         ///< vision_cfg in that
  open_clip_preprocess,     ///< preprocess_cfg in OpenCLIP's open_clip_config.json
  metadata,                 ///< of a safetensors file
  preprocessing             ///< the JSON text of that name among our own metadata
};

struct ConfigField {
  enum class Meaning {
    used,   ///< read and obeyed
    fixed,  ///< changes numbers; any value but those in `values` is refused
    silent  ///< says nothing about the numbers
  };
  ConfigForm form;
  const char* name;
  Meaning meaning;
  const char* values;  ///< of a fixed field: a JSON list
};

std::span<const ConfigField> config_fields();

/// Looks at every field of a JSON object that has those of `forms`. Throws an Error naming field and value
/// where a fixed one has another value; the names of fields that no form knows are added to `unknown`. Names
/// are told with `prefix` before them ("model_args.").
void check_config_fields(const engine::Json& object, std::span<const ConfigForm> forms,
                         const std::string& prefix, std::vector<std::string>& unknown);

}  // namespace training
