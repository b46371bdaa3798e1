#pragma once

#include <filesystem>
#include <optional>

#include "data/transforms.h"
#include "models/vit.h"
#include "tools/training/train_config.h"

namespace training {

using engine::Index;

/// A model with all that is known about it.
struct LoadedModel {
  models::Vit model;
  std::string arch;
  std::string base_sha256;                  ///< of the checkpoint, as ShardedSafetensors::sha256() has it
  std::filesystem::path checkpoint;         ///< its file or index; empty for random weights
  bool has_head = false;                    ///< the checkpoint brought a head
  std::vector<std::string> classes;         ///< names of the head's classes, where the checkpoint tells them
  std::optional<data::Preprocessing> told;  ///< how the files beside the weights say images are prepared
  data::Preprocessing preprocessing;        ///< how they are prepared
};

/// Loads the checkpoint, or makes random weights for --arch. Notes go to stderr.
LoadedModel load_model(const ModelSource& options);
/// The same while `preprocessing` is still to be settled: by a delta.
LoadedModel load_base(const ModelSource& options);

/// A head for this many classes in place of the model's: from a normal distribution cut at 2, or zeros.
void new_head(LoadedModel& loaded, Index classes, const std::string& how, std::uint64_t seed);

}  // namespace training
