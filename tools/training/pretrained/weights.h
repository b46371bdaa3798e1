#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/io/npz.h"
#include "engine/io/sharded_safetensors.h"
#include "models/zoo.h"

namespace training {

/// A model's tensors under timm's names, and what its file says of it beside them.
struct TimmWeights {
  engine::NamedTensors tensors;
  models::Facts facts;
  bool torchvision = false;        ///< the names were torchvision's
  std::vector<std::string> notes;  ///< for the user: what was passed over
};

/// The weights of a model on disk, whatever the format: safetensors in one file or in shards, or a .npz of
/// Google's, known by its content. The one place that tells them apart.
class Weights {
 public:
  /// `path` as find_model() has it. Throws an Error when the file breaks the rules of its format.
  explicit Weights(const std::filesystem::path& path);

  /// The one file, or the index of several.
  const std::string& path() const;
  /// The files that hold the tensors.
  std::vector<std::filesystem::path> files() const;
  /// Metadata of the file; a .npz has none.
  const engine::Metadata& metadata() const;
  /// What is odd about the file, though it is read; mostly empty.
  std::string note() const;
  /// Of one file its SHA-256, by its bytes; of several as ShardedSafetensors::sha256() has it.
  std::string sha256() const;

  /// A tensor as the file has it.
  struct Entry {
    std::string name;
    std::string_view dtype;  ///< as safetensors names it
    std::vector<std::uint64_t> dims;
    engine::Index values;
  };
  /// File by file, each in the order of its data.
  std::vector<Entry> entries() const;

  /// All tensors under timm's names; without `with_head` none of a head. `facts`, what the config says,
  /// decide where names alone do not (models::read_names()). Throws an Error that names the file for what
  /// makes no model and for values that are not finite in f32.
  TimmWeights read(bool with_head = true, const models::Facts& facts = {}) const;
  /// Tensors with timm's names under those of this file, as it packs them. Where that is a .npz, which is
  /// never written, they keep timm's.
  engine::NamedTensors in_its_names(const engine::NamedTensors& timm) const;

 private:
  std::variant<engine::ShardedSafetensors, engine::Npz> file_;
};

}  // namespace training
