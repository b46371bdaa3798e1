#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/io/file_system.h"

namespace faults {

/// One call to a file system as it was made, with what is needed to do it again.
struct Call {
  std::string name = {};           ///< "open", "write" ...
  int descriptor = -1;             ///< the one that was given, or the one that open gave
  std::string path = {}, to = {};  ///< of open, mkdir and unlink; of rename both
  std::string bytes = {};          ///< what a write took
  bool done = true;                ///< false when it failed
  long size = 0;                   ///< of ftruncate
};

/// A file system that appends every call to a file, one JSON object a line.
class RecordingFileSystem : public engine::FileSystem {
 public:
  explicit RecordingFileSystem(const std::filesystem::path& file);
  int open(const char* path, For purpose, mode_t mode) override;
  ssize_t write(int descriptor, const void* bytes, std::size_t count) override;
  int fsync(int descriptor) override;
  int fchmod(int descriptor, mode_t mode) override;
  int ftruncate(int descriptor, off_t size) override;
  int flock(int descriptor, int operation) override;
  int close(int descriptor) override;
  int rename(const char* from, const char* to) override;
  int unlink(const char* path) override;
  int mkdir(const char* path, mode_t mode) override;

 private:
  template <class Result>
  Result note(Result result, const Call& call);
  int file_;
};

std::vector<Call> read_recording(const std::filesystem::path& file);

}  // namespace faults
