#pragma once

#include <string>
#include <string_view>

namespace engine {

/// `text` from a file, made safe for a one-line message: 'head.weight'. In single quotes, with control
/// characters as \x0a and the middle of long texts left out.
std::string in_quotes(std::string_view text);

}  // namespace engine
