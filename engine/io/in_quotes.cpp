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
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      out += c;
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
