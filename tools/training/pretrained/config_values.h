#pragma once

#include <string>
#include <vector>

#include "tools/training/per_side_json.h"
#include "tools/training/pretrained/model_config.h"

/// Values that more than one form of config has.
namespace training {

/// Of OpenAI's CLIP, which others take over.
inline constexpr std::array<float, 3> kClipMean = {0.48145466f, 0.4578275f, 0.40821073f},
                                      kClipStd = {0.26862954f, 0.26130258f, 0.27577711f};

/// Height and width in pixels, one number for both or [height, width].
std::optional<data::ImageSize> image_size_in(const engine::Json& object, const std::string& name,
                                             const std::string& shown);
/// The same where both must be equal, as of a patch. Throws an Error when they differ.
std::optional<engine::Index> square_side(const engine::Json& object, const std::string& name,
                                         const std::string& shown);

/// The names of classes in a list, or in an object {"0": "cat", ...}. Throws an Error when a number is
/// missing.
std::vector<std::string> class_names(const engine::Json& names, const std::string& shown);

/// Throws an Error when the number of heads or eps makes no sense. `where` is put before the complaint.
void check_heads(engine::Index heads, const std::string& where);
void check_eps(double eps, const std::string& name);

/// The activation of that name, timm's or Hugging Face's (gelu_pytorch_tanh, swish). Throws an Error naming
/// the field when it is not computed.
engine::Activation activation_of(const std::string& name, const std::string& field);

/// Why a head with this problem_type is no softmax; empty when it is one.
std::string no_softmax(const engine::Json& config);

/// Notes the fields that are in none of the forms.
void note_unknown(const std::vector<std::string>& fields, const std::string& file,
                  std::vector<std::string>& notes);

/// The values of a file, beyond what data::check_preprocessing asks for: a crop of next to nothing asks for
/// an image of next to any size.
void check_stored(const data::Preprocessing& how);

/// Writes mean or std over what is there, when the file has it.
void read_three(const engine::Json& json, const char* name, std::array<float, 3>& to);

}  // namespace training
