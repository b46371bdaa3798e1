#pragma once

#include <cstdlib>
#include <filesystem>

namespace support {

/// The project's own folder.
inline std::filesystem::path source_dir() {
  return ESPALIER_SOURCE_DIR;
}

/// A file of tests/golden.
inline std::filesystem::path golden(const char* name) {
  return source_dir() / "tests" / "golden" / name;
}

/// The folder with real checkpoints and images beside the project; the environment variable
/// ESPALIER_SHARED names another. It may not exist.
inline std::filesystem::path shared_dir() {
  if (const char* elsewhere = std::getenv("ESPALIER_SHARED")) return elsewhere;
  return source_dir().parent_path() / "shared";
}

}  // namespace support
