#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace training {

/// Where the activations below frozen depth are kept, and how many bytes of memory and of disk they may take:
/// `--prefix-cache off|auto|SIZE|DIR`.
struct PrefixCacheOptions {
  bool off = false;
  std::filesystem::path folder;  ///< for other runs, too; empty: for this run alone, in memory if they fit
  std::optional<std::uint64_t> most;  ///< bytes; nothing: what half of the free memory or disk has
  std::filesystem::path spare = {};   ///< for files of a run alone that memory has no room for; empty: none

  /// off, auto, a size as "500MB" or "4GiB", a folder, or "DIR,SIZE". Throws an Error for another text.
  static PrefixCacheOptions parse(const std::string& text);
};

}  // namespace training
