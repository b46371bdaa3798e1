#pragma once

#include <filesystem>
#include <optional>

#include "data/transforms.h"
#include "models/vit.h"
#include "tools/training/events.h"
#include "tools/training/train_config.h"

namespace training {

/// A model with all that is known about it.
struct LoadedModel {
  models::Vit model;
  std::string arch;
  std::string base_sha256;           ///< of the checkpoint, as ShardedSafetensors::sha256() has it
  std::filesystem::path checkpoint;  ///< its file or index; empty for random weights
  bool has_head = false;             ///< the checkpoint brought a head
  std::vector<std::string> classes;  ///< names of the head's classes, where the checkpoint has them
  /// How images are prepared, as stored beside the weights.
  std::optional<data::Preprocessing> stored_preprocessing;
  data::Preprocessing preprocessing;  ///< how they are prepared
};

/// Loads the checkpoint, or makes random weights for --arch, with a note. Sets the number of threads.
LoadedModel load_model(const ModelSource& source, const Events& events = {});
/// The same while `preprocessing` is still to be set: by a delta.
LoadedModel load_base(const ModelSource& source, const Events& events = {});

/// A head for this many classes in place of the model's: from a normal distribution cut at 2, or zeros.
void new_head(LoadedModel& loaded, Index classes, const std::string& how, std::uint64_t seed);

}  // namespace training
