#include "data/spelling.h"

#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

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

/// Letters of the blocks in which signs stand for a letter and its marks. Chinese characters, which have no
/// marks, are none.
bool may_have_marks(char32_t c) {
  return (c >= 0xc0 && c < 0x1100) || (c >= 0x1200 && c < 0x2e80) || (c >= 0x3040 && c < 0x3100);
}

/// A name in a form in which all of its normalisations agree: 0 for a letter with its marks and for a sign
/// that may stand for such, Korean syllables in their parts (the Unicode standard, section 3.12).
std::u32string form_without_marks(std::string_view name) {
  constexpr char32_t first_syllable = 0xac00, end_of_syllables = 0xd7a4, no_third = 0x11a7;
  constexpr char32_t seconds = 21, thirds = 28;
  const std::u32string points = code_points(name);
  std::u32string form;
  for (std::size_t i = 0; i < points.size();) {
    const char32_t c = points[i];
    const std::size_t end = end_of_sign(points, i);
    if (c >= first_syllable && c < end_of_syllables) {
      const char32_t at = c - first_syllable, third = at % thirds;
      form += {0x1100 + at / (seconds * thirds), 0x1161 + at / thirds % seconds};
      if (third > 0) form += no_third + third;
    } else if (is_part_of_syllable(c)) {
      form.append(points, i, end - i);
    } else {
      form += end - i > 1 || may_have_marks(c) ? U'\0' : c;
    }
    i = end;
  }
  return form;
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

std::optional<LookingAlike> find_looking_alike(std::span<const std::string> names,
                                               std::span<const std::string> others) {
  std::unordered_map<std::u32string, std::vector<std::string_view>> of_form;
  for (const std::string& other : others) of_form[form_without_marks(other)].push_back(other);
  for (const std::string& name : names) {
    const auto alike = of_form.find(form_without_marks(name));
    if (alike == of_form.end()) continue;
    for (const std::string_view other : alike->second)
      if (may_be_normalisations(name, other)) return LookingAlike{name, other};
  }
  return std::nullopt;
}

}  // namespace data
