#include "engine/io/safetensors_error.h"

namespace engine {

SafetensorsError::SafetensorsError(SafetensorsRule rule, const std::string& text)
    : Error(text + " [" + rule_id(rule) + "]"), rule_(rule) {}

std::string rule_id(SafetensorsRule rule) {
  const std::string number = std::to_string(static_cast<int>(rule));
  return "ST" + std::string(3 - number.size(), '0') + number;
}

}  // namespace engine
