#include "data/lines.h"

#include <algorithm>
#include <span>

namespace data {
namespace {

constexpr std::uint64_t kPiece = 1 << 16;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

}  // namespace

bool Lines::read_more() {
  const auto count = static_cast<std::size_t>(std::min(kPiece, file_.size() - read_));
  if (count == 0) return false;
  piece_.erase(0, at_);
  at_ = 0;
  const std::size_t kept = piece_.size();
  piece_.resize(kept + count);
  file_.read_at(read_, std::as_writable_bytes(std::span(piece_).subspan(kept)));
  if (read_ == 0 && piece_.starts_with(kByteOrderMark)) at_ = kByteOrderMark.size();
  read_ += count;
  return true;
}

std::optional<std::string_view> Lines::next() {
  std::size_t end = rest().find('\n');
  while (end == std::string_view::npos && rest().size() <= kLongest && read_more()) end = rest().find('\n');
  if (end == std::string_view::npos && rest().empty()) return std::nullopt;

  // Words are put together only for an error: a list may have millions of lines.
  using engine::say;
  if (++number_ > kMost) throw engine::Error(say(file_.path() + ":", "has more than", kMost, "lines"));
  std::string_view line = rest().substr(0, end);
  if (line.size() > kLongest)
    throw engine::Error(say(where(), "is longer than", kLongest, "bytes; is this a text file?"));
  if (line.find('\0') != std::string_view::npos)
    throw engine::Error(say(where(), "holds a NUL byte; a text file in UTF-8 has none"));
  at_ += std::min(line.size() + 1, rest().size());
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace data
