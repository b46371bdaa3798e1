#include "engine/base/text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace engine {
namespace {

constexpr std::size_t kLongestSpelling = 200;  // bytes; nobody types more, and the distance is quadratic
constexpr std::size_t kMostSpellings = 5000;   // names; large models have a tenth, hostile files any number

}  // namespace

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> pieces;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    pieces.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return pieces;
}

std::string join(std::span<const std::string> words, std::string_view separator) {
  std::string all;
  for (const std::string& word : words) {
    if (&word != words.data()) all += separator;
    all += word;
  }
  return all;
}

bool glob_match(std::string_view pattern, std::string_view name) {
  // After a mismatch the last star takes one character more; earlier stars never need to change.
  std::size_t p = 0, n = 0, star = std::string_view::npos, resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p, ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

Index edit_distance(std::string_view a, std::string_view b) {
  const std::size_t width = b.size() + 1;
  std::vector<Index> before(width), last(width), row(width);
  for (std::size_t j = 0; j < width; ++j) last[j] = static_cast<Index>(j);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = static_cast<Index>(i);
    for (std::size_t j = 1; j < width; ++j) {
      const bool same = a[i - 1] == b[j - 1];
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

std::vector<std::string> nearest(std::string_view wanted, std::span<const std::string> names,
                                 std::size_t count) {
  std::vector<std::pair<Index, std::string>> ranked;
  if (wanted.size() > kLongestSpelling || names.size() > kMostSpellings) return {};
  for (const std::string& name : names) {
    if (name.size() > kLongestSpelling) continue;
    // A name that contains the wanted word is near however long it is.
    const bool inside = !wanted.empty() && name.find(wanted) != std::string::npos;
    ranked.emplace_back(inside ? 1 : edit_distance(wanted, name), name);
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::string> best;
  for (const auto& [distance, name] : ranked) {
    if (best.size() < count) best.push_back(name);
  }
  return best;
}

std::string did_you_mean(std::string_view wanted, std::span<const std::string> names) {
  const std::vector<std::string> near = nearest(wanted, names);
  return near.empty() ? "" : "; did you mean " + join(near, ", ") + "?";
}

std::string human_bytes(double bytes) {
  const char* const units[] = {"B", "kB", "MB", "GB", "TB"};
  int unit = 0;
  // What rounds to 1000 is one of the next unit.
  while (bytes >= (unit == 0 ? 999.5 : 999.95) && unit < 4) bytes /= 1000, ++unit;
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
  return text;
}

std::string human_count(Index count) {
  std::string digits = std::to_string(count);
  for (Index at = static_cast<Index>(digits.size()) - 3; at > (count < 0 ? 1 : 0); at -= 3) {
    digits.insert(static_cast<std::size_t>(at), ",");
  }
  return digits;
}

double parse_number(std::string_view text, std::string_view what) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  check(error == std::errc() && end == text.data() + text.size() && std::isfinite(value), what,
        "takes a number, not '" + std::string(text) + "'");
  return value;
}

Index parse_integer(std::string_view text, std::string_view what) {
  Index value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  check(error == std::errc() && end == text.data() + text.size(), what,
        "takes a whole number, not '" + std::string(text) + "'");
  return value;
}

std::string one_line(std::string text) {
  std::size_t left = 0;  // bytes that the UTF-8 character before still needs
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool continues = (byte & 0xc0) == 0x80;
    if (byte < 0x20 || byte == 0x7f || (continues && left == 0 && byte < 0xa0)) text[i] = ' ';
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0u;
    if (byte == 0xc2 && next >= 0x80 && next < 0xa0) text[i] = text[i + 1] = ' ', ++i;
    left = continues ? left - (left > 0 ? 1 : 0) : byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : byte >= 0xc0 ? 1 : 0;
  }
  return text;
}

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string exact(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

std::string shortest(double value) {
  char text[64];
  for (int digits = 1; digits <= 17; ++digits) {
    std::snprintf(text, sizeof text, "%.*g", digits, value);
    if (std::strtod(text, nullptr) == value) break;
  }
  return text;
}

}  // namespace engine
