#pragma once

#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/fuzz/target.h"

namespace fuzz {

/// A folder of this process, in memory where there is a place for it, for readers that want files by name.
class MemoryFolder {
 public:
  MemoryFolder() {
    std::error_code failure;
    const bool memory = std::filesystem::is_directory("/dev/shm", failure);
    std::string name =
        (memory ? "/dev/shm" : std::filesystem::temp_directory_path().string()) + "/espalier-fuzz-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~MemoryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  MemoryFolder(const MemoryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path put(const std::string& name, std::string_view text) const {
    std::ofstream(path_ / name, std::ios::binary)
        .write(text.data(), static_cast<std::streamsize>(text.size()));
    return path_ / name;
  }
  void remove(const std::string& name) const { std::filesystem::remove(path_ / name); }

 private:
  std::filesystem::path path_;
};

}  // namespace fuzz
