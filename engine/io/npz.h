#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/io/npy.h"
#include "engine/io/zip.h"
#include "engine/tensor/tensor.h"

namespace engine {

/// An archive of NumPy's arrays (.npz) that is read: a zip archive whose members are .npy arrays, stored or
/// deflated. Directory and headers are checked when it is opened; values are read when they are asked for.
/// Nothing in it is run: objects, which NumPy keeps as pickles, are refused. Several threads may read at
/// once.
class Npz {
 public:
  struct Array {
    std::string name;  ///< without .npy
    NpyHeader header;
    ZipMember member;
  };

  /// Throws an Error in one line for what breaks the rules of read_zip_directory() and parse_npy_header(),
  /// and for a member that is no array.
  explicit Npz(const std::filesystem::path& path);

  const std::string& path() const { return archive_.file().path(); }
  /// Bytes of the file.
  std::uint64_t size() const { return archive_.file().size(); }
  /// All arrays in the order of their data.
  const std::vector<Array>& arrays() const { return arrays_; }
  bool contains(std::string_view name) const { return by_name_.contains(name); }
  /// The array as stored, its first axis the outermost. Throws an Error when there is none of that name, it
  /// is damaged, or its type is no Dtype.
  Tensor read(std::string_view name) const;

 private:
  ZipArchive archive_;
  std::vector<Array> arrays_;
  std::map<std::string_view, std::size_t> by_name_;  // views of the names in arrays_
};

/// True for a file that begins as an archive of arrays does, by its content.
bool is_npz(const File& file);

}  // namespace engine
