#include "data/split_names.h"

#include <algorithm>
#include <array>

namespace data {
namespace {

/// What people call splits, in lower case, and what they are called here.
struct SplitName {
  std::string_view name, split;
};
constexpr std::array<SplitName, 8> kSplitNames = {{{"train", "train"},
                                                   {"training", "train"},
                                                   {"val", "val"},
                                                   {"valid", "val"},
                                                   {"validation", "val"},
                                                   {"dev", "val"},
                                                   {"test", "test"},
                                                   {"testing", "test"}}};

}  // namespace

std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  for (char& letter : lower)
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  return lower;
}

std::string_view split_named(std::string_view name) {
  const std::string lower = in_lower_case(name);
  const auto found = std::ranges::find(kSplitNames, std::string_view(lower), &SplitName::name);
  return found == kSplitNames.end() ? std::string_view() : found->split;
}

}  // namespace data
