#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/transforms.h"
#include "engine/io/safetensors.h"
#include "models/zoo.h"
#include "tools/training/train_config.h"

namespace training {

/// A size that a config states and the tensors have, too.
struct StatedSize {
  std::string field;  ///< "model_args.depth"
  engine::Index models::VitConfig::*size;
  engine::Index value;
  std::string file = "config.json";
};

/// A size of images that a config states, which the model is to be made for.
struct StatedImageSize {
  std::string field;  ///< "image_size"
  data::ImageSize size;
  std::string file = "config.json";
};

/// What a checkpoint states beside its tensors.
struct ModelConfig {
  models::Facts facts;
  /// The parts that the model should have, of which its tensors must not say otherwise; sizes do not count.
  std::optional<models::VitConfig> parts;
  std::string stated_by = "config.json";  ///< what states them: "config.json: architecture 'deit3_...'"
  std::string unknown_architecture;       ///< the name that config.json states, where it is not known
  std::vector<StatedSize> sizes;
  std::vector<StatedImageSize> image_sizes;
  std::vector<std::string> classes;  ///< one name for each row of the head, where every one has its own
  std::string imagenet_tag;          ///< timm's tag by which the head is ImageNet-1k's; empty without one
  std::string without_head;          ///< the library's class that config.json names, which has no classifier
  std::string no_softmax;  ///< why the head's outputs are no classes that exclude each other; empty: they are
  std::optional<data::Preprocessing> preprocessing;  ///< nothing when no file has it
  std::vector<std::string> notes;  ///< for the user: what was passed over or taken for granted
};

/// Reads config.json in timm's or Hugging Face's form, what says how images are prepared
/// (preprocessing_files.h) and the file's metadata, whatever is there (config_fields.def lists every field).
/// Where they differ, the metadata of a file that this program has written count, otherwise the files beside
/// it. What `options` set is not judged. Throws an Error naming the file and the field when one makes no
/// sense or states what is not computed.
ModelConfig read_model_config(const std::filesystem::path& folder, const engine::Metadata& metadata,
                              const std::string& file, const ModelSource& options = {});

/// Throws an Error where the tensors, of these sizes and parts, contradict what the config states; what may
/// differ (the size of square images: positions are interpolated) becomes a note. So does an architecture
/// that is not known, with the parts by which the tensors are no plain ViT's.
void check_sizes(ModelConfig& config, const models::VitConfig& tensors);

}  // namespace training
