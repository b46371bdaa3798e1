#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace data {

/// With the letters of ASCII in lower case.
std::string in_lower_case(std::string text);

/// True when two names that differ may be one in two of Unicode's normalisations: where they differ, one has
/// a letter and its marks, or the parts of a Korean syllable, and the other has a single sign. Which sign
/// that would be takes Unicode's tables to know, so this is for a hint and decides nothing.
bool may_be_normalisations(std::string_view a, std::string_view b);

/// Two names of which that holds.
struct LookingAlike {
  std::string_view name, other;
};

/// The first of `names` of which that holds with one of `others`, and the first such. Names are compared only
/// where all their signs agree that no normalisation changes: time grows with how many there are, not with
/// their product.
std::optional<LookingAlike> find_looking_alike(std::span<const std::string> names,
                                               std::span<const std::string> others);

}  // namespace data
