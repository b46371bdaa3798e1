#include "tools/training/json_text.h"

#include <nlohmann/json.hpp>

namespace training {

std::string json_text(const nlohmann::ordered_json& json, int indent) {
  return json.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

bool is_utf8(const std::string& text) {
  try {
    return !nlohmann::ordered_json(text).dump().empty();
  } catch (const nlohmann::ordered_json::exception&) {
    return false;
  }
}

}  // namespace training
