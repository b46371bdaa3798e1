#pragma once

#include <string>
#include <string_view>

#include "engine/io/json.h"
#include "models/dialects/dialect.h"

namespace exports {

/// True for the names of Hugging Face's models.
bool is_hugging_face(const models::Dialect& dialect);

/// The config.json beside a base, where it is one of Hugging Face's; otherwise an empty object.
engine::Json hugging_face_config_of(const std::string& base);

/// The classifier that transformers has for a model type.
struct Classifier {
  const char* type;             ///< model_type
  const char* name;             ///< of the class
  const char* written;          ///< the model_type that AutoModelForImageClassification knows
  const char* two_towers = "";  ///< the model_type whose vision_config the config of the tower alone becomes
};

/// nullptr where there is none. DeiT has one for two heads, too.
const Classifier* find_classifier(std::string_view type, bool two_heads);

/// What a base's config.json says of its own head, of another class, or of the machine that wrote it.
inline constexpr const char* kOfAnotherHead[] = {"num_labels",    "problem_type",         "torch_dtype",
                                                 "_name_or_path", "transformers_version", "finetuning_task"};

}  // namespace exports
