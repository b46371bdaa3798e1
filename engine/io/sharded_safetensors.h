#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/io/safetensors.h"

namespace engine {

/// The tensors of a checkpoint seen as one, whether it is one safetensors file or several that an index
/// names. Headers are checked when it is opened; values are read when they are asked for. Several threads
/// may read at once.
class ShardedSafetensors {
 public:
  /// `path` is a safetensors file or an index, recognised by its name: *.safetensors.index.json. Throws an
  /// Error when a file breaks its rules, and when index and files disagree: every tensor must be in the one
  /// file that the index names, and in no other.
  explicit ShardedSafetensors(const std::filesystem::path& path);

  /// The one file, or the index.
  const std::string& path() const { return path_; }
  /// The files in the order of their names.
  const std::vector<Safetensors>& files() const { return files_; }
  /// What the files' metadata say; where two of them differ, neither.
  const Metadata& metadata() const { return metadata_; }
  /// File by file, each in the order of its data.
  std::vector<std::string> names() const;
  /// The file that holds a tensor. Throws an Error that suggests similar names when there is no such tensor.
  const Safetensors& file_of(std::string_view name) const;
  /// The tensor as stored.
  Tensor read(std::string_view name) const { return file_of(name).read(name); }

  /// Of one file its SHA-256. Of several the SHA-256 of what `sha256sum` prints for them in the order of
  /// their names: `LC_ALL=C; sha256sum *.safetensors | sha256sum`.
  std::string sha256() const;
  /// The size of all tensors by the index, when that is not theirs: no reason to refuse, for some tools
  /// count the whole files.
  std::optional<std::uint64_t> wrong_total_size() const { return wrong_total_size_; }
  /// Bytes of all tensors.
  std::uint64_t bytes() const;

 private:
  void open_shards(const std::filesystem::path& index);

  std::string path_;
  std::vector<Safetensors> files_;
  std::map<std::string, std::size_t, std::less<>> places_;  // a tensor's name to the position of its file
  Metadata metadata_;
  std::optional<std::uint64_t> wrong_total_size_;
  bool cut_ = false;
};

/// True for the name of an index.
bool is_shard_index(const std::filesystem::path& path);

}  // namespace engine
