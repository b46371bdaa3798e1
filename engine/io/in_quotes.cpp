#include "engine/io/in_quotes.h"

namespace engine {
namespace {

constexpr std::size_t kShown = 40;  // bytes kept at either end

/// True for the second and later bytes of a UTF-8 character.
bool continues(char c) {
  return (static_cast<unsigned char>(c) & 0xc0u) == 0x80u;
}

void append(std::string& out, std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0u;
    const bool c1 = byte == 0xc2 && next >= 0x80 && next < 0xa0;  // terminals obey these, too
    if (c1) ++i;
    if (byte < 0x20 || byte == 0x7f || c1) {
      const unsigned code = c1 ? next : byte;
      out += {'\\', 'x', kHex[code >> 4], kHex[code & 15]};
    } else {
      out += text[i];
    }
  }
}

}  // namespace

std::string in_quotes(std::string_view text) {
  std::string out = "'";
  if (text.size() <= 2 * kShown + 3) {
    append(out, text);
  } else {
    std::size_t head = kShown, tail = text.size() - kShown;
    while (head > 0 && continues(text[head])) --head;
    while (tail < text.size() && continues(text[tail])) ++tail;
    append(out, text.substr(0, head));
    out += "...";
    append(out, text.substr(tail));
  }
  return out += "'";
}

}  // namespace engine
