#include "engine/io/lines.h"

#include <algorithm>
#include <string>
#include <vector>

#include "engine/io/file.h"

namespace engine {

void for_each_line(const std::filesystem::path& path, std::size_t longest,
                   const std::function<void(std::string_view)>& take) {
  constexpr std::uint64_t kPiece = 1 << 16;
  const File file(path);
  std::string line;  // the beginning of one whose end is in a later piece, cut to longest + 1 bytes
  std::vector<char> piece(kPiece);
  for (std::uint64_t at = 0; at < file.size(); at += kPiece) {
    piece.resize(static_cast<std::size_t>(std::min(kPiece, file.size() - at)));
    file.read_at(at, std::as_writable_bytes(std::span(piece)));
    std::string_view rest(piece.data(), piece.size());
    while (!rest.empty()) {
      const std::size_t end = rest.find('\n');
      line.append(rest.substr(0, std::min(end, longest + 1 - line.size())));
      if (end == std::string_view::npos) break;
      if (line.size() <= longest) take(line);
      line.clear();
      rest.remove_prefix(end + 1);
    }
  }
  if (!line.empty() && line.size() <= longest) take(line);
}

}  // namespace engine
