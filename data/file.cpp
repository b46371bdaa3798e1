#include "data/file.h"

#include "engine/base/check.h"
#include "engine/base/text.h"

namespace data {
namespace {

constexpr std::uint64_t kMaxBytes = std::uint64_t{1}
                                    << 30;  // no picture that passes the pixel limit needs more

}  // namespace

std::vector<std::byte> read_all(const engine::File& file) {
  engine::check(file.size() <= kMaxBytes, file.path() + ":", "has",
                engine::human_bytes(static_cast<double>(file.size())) + "; at most",
                engine::human_bytes(static_cast<double>(kMaxBytes)), "are read");
  std::vector<std::byte> bytes(static_cast<std::size_t>(file.size()));
  file.read_at(0, bytes);
  return bytes;
}

std::vector<std::string> read_lines(const std::filesystem::path& path) {
  const std::vector<std::byte> bytes = read_all(engine::File(path));
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
