#pragma once

#include <filesystem>
#include <optional>

#include "data/transforms.h"
#include "models/vit.h"
#include "tools/args.h"

namespace tools {

/// Where the model, and how its pictures are prepared, comes from: the shared options of the commands.
struct ModelOptions {
  std::string model, arch, mean, std, interpolation, resize;
  Index image_size = 0;  ///< 0: the checkpoint's
  Index seed = 0, threads = 0;

  void add_to(Args& args);
  /// Throws a UsageError when no model or two are asked for, or a value makes no sense.
  void check() const;
};

/// A model with all that is known about it.
struct LoadedModel {
  models::Vit model;
  std::string arch;
  std::string base_sha256;                  ///< of the checkpoint, as ShardedSafetensors::sha256() has it
  std::filesystem::path checkpoint;         ///< its file or index; empty for random weights
  bool has_head = false;                    ///< the checkpoint brought a head
  std::vector<std::string> classes;         ///< names of the head's classes, where the checkpoint tells them
  std::optional<data::Preprocessing> told;  ///< how the files beside the weights say pictures are prepared
  data::Preprocessing preprocessing;        ///< how they are prepared
};

/// Loads the checkpoint, or makes random weights for --arch. Notes go to stderr.
LoadedModel load_model(const ModelOptions& options);

/// The same tuned by a delta: its head, classes and preprocessing, and its numbers over the base's. A delta
/// that was made on another base is refused unless `force`.
LoadedModel load_tuned_model(const ModelOptions& options, const std::string& delta, bool force);

/// A head for this many classes in place of the model's: from a normal distribution cut at 2, or zeros.
void new_head(LoadedModel& loaded, Index classes, const std::string& how, std::uint64_t seed);

/// Preprocessing as text for metadata, and back. Throws an Error that begins with `what`.
std::string preprocessing_json(const data::Preprocessing& how);
data::Preprocessing read_preprocessing(const std::string& json, const std::string& what);

/// The names in a JSON list. Throws an Error that begins with `what`.
std::vector<std::string> read_class_list(const std::string& json, const std::string& what);

}  // namespace tools
