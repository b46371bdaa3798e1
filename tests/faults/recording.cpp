#include "tests/faults/recording.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

namespace faults {
namespace {

using Json = nlohmann::json;

std::string hex(const std::string& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return text;
}

std::string bytes_of(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return bytes;
}

}  // namespace

RecordingFileSystem::RecordingFileSystem(const std::filesystem::path& file)
    : file_(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {}

template <class Result>
Result RecordingFileSystem::note(Result result, const Call& call) {
  const int error = errno;
  const Json json{{"name", call.name}, {"descriptor", call.descriptor}, {"path", call.path},
                  {"to", call.to},     {"bytes", hex(call.bytes)},      {"done", result >= 0},
                  {"size", call.size}};
  const std::string line = json.dump() + '\n';
  if (::write(file_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) ::_exit(98);
  errno = error;
  return result;
}

int RecordingFileSystem::open(const char* path, For purpose, mode_t mode) {
  const int result = FileSystem::open(path, purpose, mode);
  return note(result, {.name = "open", .descriptor = result, .path = path});
}
ssize_t RecordingFileSystem::write(int descriptor, const void* bytes, std::size_t count) {
  const ssize_t result = FileSystem::write(descriptor, bytes, count);
  const std::string taken(static_cast<const char*>(bytes), result > 0 ? static_cast<std::size_t>(result) : 0);
  return note(result, {.name = "write", .descriptor = descriptor, .bytes = taken});
}
int RecordingFileSystem::fsync(int descriptor) {
  return note(FileSystem::fsync(descriptor), {.name = "fsync", .descriptor = descriptor});
}
int RecordingFileSystem::fchmod(int descriptor, mode_t mode) {
  return note(FileSystem::fchmod(descriptor, mode), {.name = "fchmod", .descriptor = descriptor});
}
int RecordingFileSystem::ftruncate(int descriptor, off_t size) {
  return note(FileSystem::ftruncate(descriptor, size),
              {.name = "ftruncate", .descriptor = descriptor, .size = size});
}
int RecordingFileSystem::flock(int descriptor, int operation) {
  return note(FileSystem::flock(descriptor, operation), {.name = "flock", .descriptor = descriptor});
}
int RecordingFileSystem::close(int descriptor) {
  return note(FileSystem::close(descriptor), {.name = "close", .descriptor = descriptor});
}
int RecordingFileSystem::rename(const char* from, const char* to) {
  return note(FileSystem::rename(from, to), {.name = "rename", .path = from, .to = to});
}
int RecordingFileSystem::unlink(const char* path) {
  return note(FileSystem::unlink(path), {.name = "unlink", .path = path});
}
int RecordingFileSystem::mkdir(const char* path, mode_t mode) {
  return note(FileSystem::mkdir(path, mode), {.name = "mkdir", .path = path});
}

std::vector<Call> read_recording(const std::filesystem::path& file) {
  std::vector<Call> calls;
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    const Json json = Json::parse(line);
    calls.push_back({json["name"], json["descriptor"], json["path"], json["to"],
                     bytes_of(json["bytes"].get<std::string>()), json["done"], json["size"]});
  }
  return calls;
}

}  // namespace faults
