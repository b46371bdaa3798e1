#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace training {

/// JSON as text, indented when `indent` is not negative. Bytes that are not UTF-8, as names of files may
/// have, become U+FFFD.
std::string json_text(const nlohmann::ordered_json& json, int indent = -1);

/// True when `text` is UTF-8 throughout.
bool is_utf8(const std::string& text);

}  // namespace training
