#pragma once

#include <string>
#include <string_view>

namespace data {

/// The split that people call by such a name, in any case: "Validation" is "val", "training" is "train";
/// nothing for other names.
std::string_view split_named(std::string_view name);

/// ASCII's capitals in lower case.
std::string in_lower_case(std::string_view text);

}  // namespace data
