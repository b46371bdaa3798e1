#include "data/spelling.h"

#include <cstddef>
#include <string>

namespace data {
namespace {

/// The code points of UTF-8; a byte that is none counts as one.
std::u32string code_points(std::string_view text) {
  std::u32string points;
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const unsigned first = byte(i);
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
    char32_t point = length == 1 ? first : first & (0xffu >> (length + 1));
    std::size_t end = i + 1;
    for (; end < i + length && end < text.size() && (byte(end) & 0xc0u) == 0x80u; ++end)
      point = point << 6 | (byte(end) & 0x3fu);
    points += point;
    i = end;
  }
  return points;
}

/// Marks over and under the letter before, and Japan's for voiced sounds.
bool is_mark(char32_t c) {
  return (c >= 0x300 && c <= 0x36f) || c == 0x3099 || c == 0x309a;
}
bool is_part_of_syllable(char32_t c) {
  return c >= 0x1100 && c <= 0x11ff;
}

/// Where the sign ends that begins at `at`: a letter with its marks, or the two or three parts of a syllable.
std::size_t end_of_sign(const std::u32string& text, std::size_t at) {
  std::size_t end = at + 1;
  if (is_part_of_syllable(text[at])) {
    while (end < text.size() && end < at + 3 && is_part_of_syllable(text[end])) ++end;
    return end;
  }
  while (end < text.size() && is_mark(text[end])) ++end;
  return end;
}

}  // namespace

std::string in_lower_case(std::string text) {
  for (char& letter : text)
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  return text;
}

bool may_be_normalisations(std::string_view a, std::string_view b) {
  const std::u32string x = code_points(a), y = code_points(b);
  std::size_t i = 0, j = 0;
  bool differ = false;
  while (i < x.size() && j < y.size()) {
    const std::size_t x_end = end_of_sign(x, i), y_end = end_of_sign(y, j);
    if (x.compare(i, x_end - i, y, j, y_end - j) != 0) {
      const bool composed_x = x[i] >= 0x80 && x_end - i < y_end - j;
      const bool composed_y = y[j] >= 0x80 && y_end - j < x_end - i;
      if (!composed_x && !composed_y) return false;
      differ = true;
    }
    i = x_end, j = y_end;
  }
  return differ && i == x.size() && j == y.size();
}

}  // namespace data
