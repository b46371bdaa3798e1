#include "data/class_order.h"

#include <algorithm>
#include <array>

#include "data/dataset.h"
#include "data/lines.h"
#include "data/spelling.h"
#include "engine/base/text.h"
#include "engine/io/in_quotes.h"

namespace data {
namespace {

namespace fs = std::filesystem;

constexpr Index kMaxClasses = 100'000;  // several times as many as any data set has

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Takes the digits, or what is no digit, from the beginning of `text`.
std::string_view take_run(std::string_view& text, bool digits) {
  std::size_t end = 0;
  while (end < text.size() && is_digit(text[end]) == digits) ++end;
  const std::string_view run = text.substr(0, end);
  text.remove_prefix(end);
  return run;
}

/// Below, above or equal to 0 as the numbers compare that the digits spell.
int compare_numbers(std::string_view a, std::string_view b) {
  a.remove_prefix(std::min(a.find_first_not_of('0'), a.size()));
  b.remove_prefix(std::min(b.find_first_not_of('0'), b.size()));
  return a.size() != b.size() ? (a.size() < b.size() ? -1 : 1) : a.compare(b);
}

}  // namespace

bool natural_before(std::string_view a, std::string_view b) {
  std::string_view x = a, y = b;
  for (bool digits = false; !x.empty() || !y.empty(); digits = !digits) {
    const std::string_view p = take_run(x, digits), q = take_run(y, digits);
    // A list that ends comes before one that goes on.
    if (digits && p.empty() != q.empty()) return p.empty();
    const int order =
        digits ? compare_numbers(p, q) : in_lower_case(std::string(p)).compare(in_lower_case(std::string(q)));
    if (order != 0) return order < 0;
  }
  return a < b;
}

void sort_classes(std::vector<std::string>& names, ClassOrder order) {
  if (order == ClassOrder::natural)
    std::ranges::sort(names, natural_before);
  else
    std::ranges::sort(names);
}

std::optional<ClassMap> read_class_map(const fs::path& dir) {
  std::vector<fs::path> found;
  std::error_code error;
  for (const char* name : {"classes.txt", "class_map.txt"})
    if (fs::exists(dir / name, error)) found.push_back(dir / name);
  if (found.empty()) return std::nullopt;
  check(found.size() == 1, dir.string() + ":", "has classes.txt and class_map.txt; one of them is right");
  ClassMap map{found[0], {}};
  Lines lines(map.file);
  std::string empty;  // where the first empty line is
  while (const auto line = lines.next()) {
    if (line->empty() && empty.empty()) empty = lines.where();
    if (line->empty()) continue;
    check(empty.empty(), empty, "is empty; a line is the name of a class");
    map.names.emplace_back(*line);
    check(static_cast<Index>(map.names.size()) <= kMaxClasses, map.file.string() + ":", "has more than",
          kMaxClasses, "classes");
  }
  std::vector<std::string> sorted = map.names;
  std::ranges::sort(sorted);
  const auto twice = std::ranges::adjacent_find(sorted);
  check(twice == sorted.end(), map.file.string() + ":", "class",
        engine::in_quotes(twice == sorted.end() ? "" : *twice), "is there twice");
  check_classes(map.file.string(), map.names);
  return map;
}

}  // namespace data
