#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/io/file.h"
#include "engine/io/safetensors_header.h"
#include "engine/tensor/named_tensors.h"

namespace engine {

/// A safetensors file that is read. The header is checked when the file is opened; values are read when
/// they are asked for. Several threads may read at once.
class Safetensors {
 public:
  /// Throws an Error when the path is no readable file, a SafetensorsError when it breaks a rule.
  explicit Safetensors(const std::filesystem::path& path);

  const std::string& path() const { return file_.path(); }
  const Metadata& metadata() const { return header_.metadata; }
  /// All tensors in the order of their data.
  const std::vector<SafetensorsEntry>& entries() const { return header_.entries; }
  std::vector<std::string> names() const;
  bool contains(std::string_view name) const { return by_name_.contains(name); }
  /// Throws an Error that suggests similar names when there is no such tensor.
  const SafetensorsEntry& entry(std::string_view name) const;

  /// The tensor as stored. Throws an Error for dtypes other than F32, F64, F16, BF16, I64 and U8.
  Tensor read(std::string_view name) const;
  /// The tensor in another dtype: f32 or f64 from any floating dtype. Throws an Error for other changes.
  Tensor read_as(std::string_view name, Dtype dtype) const;
  /// Overwrites the values of `tensor`, converted to its dtype as read_as() does, without a second tensor
  /// in memory. Throws an Error when the shapes differ.
  void read_into(std::string_view name, Tensor& tensor) const;
  /// Row `row` of a tensor's first axis as it is stored, into `out`. Throws an Error when there is no such
  /// row or `out` has not its size.
  void read_row(std::string_view name, Index row, std::span<std::byte> out) const;

 private:
  std::string about(const SafetensorsEntry& entry) const;
  Dtype dtype_of_entry(const SafetensorsEntry& entry) const;
  void check_conversion(const SafetensorsEntry& entry, Dtype to) const;

  File file_;
  SafetensorsHeader header_;
  std::map<std::string_view, std::size_t> by_name_;  // views of the names in header_
};

/// Gets the hidden name of a complete file before the file has its own; what it throws leaves things as they
/// were.
using FileCheck = std::function<void(const std::filesystem::path& hidden)>;

/// Writes the tensors as a safetensors file that appears whole or not at all (see AtomicFile). The order of
/// `tensors` does not matter: the same tensors and metadata give the same bytes. Throws an Error naming the
/// path for an empty tensor, a name given twice or text that is not UTF-8. `former` as in
/// AtomicFile::commit().
void write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                       const Metadata& metadata = {}, const std::filesystem::path& former = {},
                       const FileCheck& check = {});

/// The SHA-256 hash of the file that write_safetensors() would write.
std::string sha256_of_safetensors(const NamedTensors& tensors, const Metadata& metadata = {});

}  // namespace engine
