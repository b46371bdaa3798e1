#pragma once

#include <filesystem>
#include <string>

#include "engine/io/safetensors.h"
#include "engine/nn/state.h"

namespace training {

/// A safetensors file that a run keeps for itself. It holds the hash of all that is in it, so that damage of
/// any kind is seen before a value is used.
class SealedFile {
 public:
  /// Throws an Error naming the file when it cannot be read, when its metadata's `format` is another, or when
  /// its content is not what was written.
  SealedFile(const std::filesystem::path& path, const std::string& format);

  const engine::Safetensors& file() const { return file_; }
  /// A value of the metadata. Throws an Error naming the file and `key` when it is not there.
  const std::string& stored(const std::string& key) const;
  /// The tensors whose names start with `prefix`, without it.
  engine::NamedTensors tensors_with(const std::string& prefix) const;

 private:
  engine::Safetensors file_;
};

/// Writes such a file, whole or not at all. One that was there before is moved to `former`, when it is named.
void write_sealed(const std::filesystem::path& path, const engine::NamedTensors& tensors,
                  engine::Metadata metadata, const std::filesystem::path& former = {});

}  // namespace training
