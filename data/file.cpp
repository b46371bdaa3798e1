#include "data/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "engine/base/check.h"
#include "engine/base/text.h"

namespace data {
namespace {

constexpr off_t kMaxBytes = off_t{1} << 30;  // larger than any picture that passes the pixel limit needs

struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

std::string reason() {
  return std::generic_category().message(errno);
}

}  // namespace

std::vector<std::byte> read_file(const std::filesystem::path& path) {
  const std::string name = path.string() + ":";
  // O_NONBLOCK: opening a pipe that nobody writes to returns at once.
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
  engine::check(file.number >= 0, name, "cannot be opened:", reason());
  struct stat status {};
  engine::check(::fstat(file.number, &status) == 0, name, "cannot be read:", reason());
  engine::check(S_ISREG(status.st_mode), name, "is not a regular file");
  engine::check(status.st_size <= kMaxBytes, name, "has",
                engine::human_bytes(double(status.st_size)) + "; at most",
                engine::human_bytes(double(kMaxBytes)), "are read");

  std::vector<std::byte> bytes(static_cast<std::size_t>(status.st_size));
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::read(file.number, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    engine::check(count >= 0, name, "cannot be read:", reason());
    engine::check(count > 0, name, "became shorter while it was read");
    done += static_cast<std::size_t>(count);
  }
  return bytes;
}

std::vector<std::string> read_lines(const std::filesystem::path& path) {
  const std::vector<std::byte> bytes = read_file(path);
  std::vector<std::string> lines;
  std::string line;
  auto end_line = [&] {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    lines.push_back(std::move(line));
    line.clear();
  };
  for (std::byte byte : bytes) {
    const char letter = static_cast<char>(byte);
    if (letter == '\n')
      end_line();
    else
      line += letter;
  }
  if (!line.empty()) end_line();
  return lines;
}

}  // namespace data
