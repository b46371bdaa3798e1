#include "engine/io/atomic_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <optional>

#include "engine/io/file.h"
#include "engine/io/folder.h"
#include "engine/io/process_space.h"

namespace engine {
namespace {

/// The beginning of the hidden names under which a file of this name is written: ".name.tmp.", which
/// the writer and a counter follow.
std::string hidden_start(std::string_view name) {
  constexpr std::size_t kNameKept = 200;  // names have at most 255 bytes, and ours is longer
  return "." + std::string(name.substr(0, kNameKept)) + ".tmp.";
}

/// Where no process id means anything to anybody else.
constexpr std::string_view kUnknownSpace = "unknown";

/// "space.process.", what a hidden name says of its writer.
std::string this_writer() {
  const std::string& space = process_space();
  return (space.empty() ? std::string(kUnknownSpace) : space) + '.' + std::to_string(::getpid()) + '.';
}

struct Writer {
  std::string_view space;
  long long process;
};

bool all_of(std::string_view text, std::string_view digits) {
  return !text.empty() && text.find_first_not_of(digits) == std::string_view::npos;
}

/// Who began a file `name` under this hidden name; nothing for any other name.
std::optional<Writer> writer_of(std::string_view hidden, std::string_view name) {
  constexpr std::size_t kDigits = 18;  // a long long holds any number of them
  const std::string start = hidden_start(name);
  if (!hidden.starts_with(start)) return std::nullopt;
  const std::string_view rest = hidden.substr(start.size());
  const std::size_t first = rest.find('.'), second = rest.find('.', std::min(rest.size(), first + 1));
  if (first == std::string_view::npos || second == std::string_view::npos) return std::nullopt;
  const std::string_view space = rest.substr(0, first), process = rest.substr(first + 1, second - first - 1),
                         counter = rest.substr(second + 1);
  const auto is_number = [](std::string_view text) {
    return text.size() <= kDigits && all_of(text, "0123456789");
  };
  if ((space != kUnknownSpace && !(space.size() == 12 && all_of(space, "0123456789abcdef"))) ||
      !is_number(process) || !is_number(counter))
    return std::nullopt;
  return Writer{space, std::stoll(std::string(process))};
}

std::optional<mode_t> permissions(const std::filesystem::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return {};
  return info.st_mode & 0777;
}

}  // namespace

AtomicFile::AtomicFile(const std::filesystem::path& path) : path_(path), folder_(path.parent_path()) {
  if (folder_.empty()) folder_ = ".";
  check(path_.has_filename(), path_.string() + ":", "a file name was expected");
  std::error_code ignored;
  const std::filesystem::file_status there = std::filesystem::status(path_, ignored);
  check(!is_directory(there), path_.string() + ":", "is a folder, not a file");
  check(!is_other(there), path_.string() + ":", "is not a regular file");  // such as /dev/null
  create();
}

void AtomicFile::create() {
  constexpr int kAttempts = 1000;
  static std::atomic<unsigned> counter = 0;
  const std::string start = hidden_start(path_.filename().string()) + this_writer();
  int descriptor = -1;
  for (int attempt = 0; descriptor < 0; ++attempt) {
    temporary_ = folder_ / (start + std::to_string(counter++));
    // The content is as private from the start as it will be in the end.
    descriptor = try_open(temporary_, FileSystem::For::create, permissions(path_).value_or(0666));
    if (descriptor < 0 && (errno != EEXIST || attempt == kAttempts))
      throw_system_error(path_.string(), "cannot be written", errno);
  }
  output_ = Output(descriptor, path_.string());
}

AtomicFile::~AtomicFile() {
  if (!placed_) uninterrupted([&] { return file_system().unlink(temporary_.c_str()); });
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  constexpr std::size_t kCollected = std::size_t{1} << 16;
  check(output_.is_open(), path_.string() + ":", "is already complete");
  if (waiting_.size() + bytes.size() > kCollected) flush();
  if (bytes.size() > kCollected) return output_.write(bytes);
  waiting_.insert(waiting_.end(), bytes.begin(), bytes.end());
}

void AtomicFile::flush() {
  output_.write(waiting_);
  waiting_.clear();
}

const std::filesystem::path& AtomicFile::readable() {
  flush();
  return temporary_;
}

void AtomicFile::move(const std::filesystem::path& from, const std::filesystem::path& to) const {
  if (uninterrupted([&] { return file_system().rename(from.c_str(), to.c_str()); }) != 0)
    throw_system_error(path_.string(), "cannot be put in its place", errno);
}

void AtomicFile::commit(const std::filesystem::path& former) {
  check(output_.is_open(), path_.string() + ":", "is already complete");
  flush();
  const auto wanted = permissions(path_);
  if (wanted && wanted != permissions(temporary_) &&
      uninterrupted([&] { return file_system().fchmod(output_.descriptor(), *wanted); }) != 0)
    throw_system_error(path_.string(), "cannot get the permissions of the file it replaces", errno);
  output_.sync();
  output_.close();
  if (!former.empty() && wanted) move(path_, former);
  move(temporary_, path_);
  placed_ = true;
  sync_folder(folder_, path_.string());
}

bool AtomicFile::is_temporary(std::string_view hidden, std::string_view name) {
  return writer_of(hidden, name).has_value();
}

bool AtomicFile::is_abandoned(std::string_view hidden, std::string_view name) {
  const std::optional<Writer> writer = writer_of(hidden, name);
  return writer && writer->space == process_space() && is_gone(writer->process);
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(text)));
  file.commit();
}

}  // namespace engine
