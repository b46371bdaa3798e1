#include "engine/io/folder.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "engine/io/file.h"
#include "engine/io/output.h"

namespace engine {

namespace fs = std::filesystem;

namespace {

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

fs::path or_here(const fs::path& folder) {
  return folder.empty() ? "." : folder;
}

}  // namespace

void make_folders(const fs::path& path) {
  if (!path.has_filename()) {  // "runs/"
    if (path.has_relative_path()) make_folders(path.parent_path());
    return;
  }
  const fs::path parent = path.parent_path();
  std::error_code ignored;
  // An empty one may be left by a process that was killed before it could make the name survive.
  const bool finished = !fs::is_empty(path, ignored) || ::access(or_here(parent).c_str(), R_OK) != 0;
  if (is_folder(path) && finished) return;
  make_folders(parent);
  const auto make = [&] { return file_system().mkdir(path.c_str(), 0777); };
  if (!is_folder(path) && uninterrupted(make) != 0 && !(errno == EEXIST && is_folder(path)))
    throw_system_error(path.string(), "the folder cannot be made", errno);
  sync_folder(parent, path.string());
}

bool make_new_folder(const fs::path& path) {
  if (uninterrupted([&] { return file_system().mkdir(path.c_str(), 0777); }) != 0) {
    if (errno == EEXIST) return false;
    throw_system_error(path.string(), "the folder cannot be made", errno);
  }
  sync_folder(path.parent_path(), path.string());
  return true;
}

void sync_folder(const fs::path& folder, const std::string& shown) {
  const int descriptor = try_open(or_here(folder), FileSystem::For::sync);
  if (descriptor < 0) throw_system_error(shown, "its folder cannot be opened", errno);
  const bool failed = uninterrupted([&] { return file_system().fsync(descriptor); }) != 0;
  const int problem = failed ? errno : 0;
  file_system().close(descriptor);
  // Some file systems cannot sync a folder and say EINVAL.
  if (failed && problem != EINVAL)
    throw_system_error(shown, "its folder cannot be flushed to the disk", problem);
}

void remove_file(const fs::path& path) {
  if (uninterrupted([&] { return file_system().unlink(path.c_str()); }) != 0 && errno != ENOENT)
    throw_system_error(path.string(), "cannot be removed", errno);
}

void check_writable(const fs::path& folder, const std::string& path) {
  fs::path nearest = or_here(folder);
  for (std::error_code failure; !fs::exists(nearest, failure); nearest = or_here(nearest.parent_path())) {
    check(!failure, path + ":", "cannot be written:", failure.message());
  }
  check(is_folder(nearest), path + ":", "cannot be written:", nearest.string(), "is a file, not a folder");
  if (::faccessat(AT_FDCWD, nearest.c_str(), W_OK | X_OK, AT_EACCESS) != 0)
    throw_system_error(path, "cannot be written: " + nearest.string(), errno);
}

}  // namespace engine
