#include "engine/io/append_file.h"

#include <span>

#include "engine/base/check.h"
#include "engine/io/folder.h"

namespace engine {

AppendFile::AppendFile(const std::filesystem::path& path)
    : path_(path), output_(path, FileSystem::For::append) {}

template <class Work>
void AppendFile::guarded(Work work) {
  check(!failed_, path_.string() + ":", "could not be written before");
  failed_ = true;
  work();
  failed_ = false;
}

void AppendFile::append(std::string_view text) {
  guarded([&] { output_.write(std::as_bytes(std::span(text))); });
}

void AppendFile::sync() {
  guarded([&] {
    output_.sync();
    if (!name_is_safe_) sync_folder(path_.parent_path(), path_.string());
    name_is_safe_ = true;
  });
}

}  // namespace engine
