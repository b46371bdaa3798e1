#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/io/file.h"

namespace engine {

/// A member of a zip archive.
struct ZipMember {
  std::string name;          ///< printable ASCII
  bool deflated = false;     ///< otherwise stored as it is
  std::uint64_t offset = 0;  ///< where its data begins in the archive
  std::uint64_t packed = 0;  ///< how many bytes that has
  std::uint64_t size = 0;    ///< how many it has unpacked
  std::uint32_t crc = 0;     ///< CRC-32 of the unpacked bytes
};

/// Bounds on the time and the memory that an archive can make its reader use.
struct ZipLimits {
  std::uint64_t directory_bytes = 32'000'000;
  std::uint64_t members = 100'000;
  std::size_t name = 512;
  /// All members unpacked, by the length of the file: weights hardly become smaller by compression.
  std::uint64_t most_expansion = 16, slack = 16'000'000;
};

/// The members of an archive in the order of their data, by its central directory (APPNOTE.TXT 4.3, with
/// zip64's sizes). Nothing is unpacked. All data lies within the file and no two members share any; stored
/// members have as many bytes as they claim, deflated ones no more than DEFLATE can make of them; the limits
/// hold. Throws an Error for what is damaged, encrypted, split over several disks, packed otherwise, or named
/// twice.
std::vector<ZipMember> read_zip_directory(const File& file, const ZipLimits& limits = {});

}  // namespace engine
