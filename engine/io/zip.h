#pragma once

#include <filesystem>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "engine/io/zip_directory.h"

namespace engine {

/// A zip archive that is read. Its directory is checked when it is opened (read_zip_directory); members are
/// unpacked when they are asked for. Several threads may read at once.
class ZipArchive {
 public:
  explicit ZipArchive(const std::filesystem::path& path) : file_(path), members_(read_zip_directory(file_)) {}

  const File& file() const { return file_; }
  const std::vector<ZipMember>& members() const { return members_; }

  /// The first bytes of a member: `most`, or all where it has fewer. What follows is not checked.
  std::vector<std::byte> read_start(const ZipMember& member, std::size_t most) const;
  /// Fills the parts with the whole member, one after the other; together they have its size. Throws an Error
  /// when it is damaged.
  void read(const ZipMember& member, std::initializer_list<std::span<std::byte>> parts) const;

 private:
  File file_;
  std::vector<ZipMember> members_;
};

}  // namespace engine
