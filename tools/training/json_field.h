#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/check.h"
#include "engine/io/json.h"

namespace training {

/// The value of a JSON file's field called `name`. Throws an Error that names the field and what it
/// should be.
template <class T>
T field_as(const engine::Json& value, const std::string& name) {
  const auto need = [&](bool right, const char* wanted) {
    engine::check(right, name, "should be", wanted + std::string(", not"),
                  value.is_number() || value.is_boolean() ? value.dump() : value.type_name());
  };
  if constexpr (std::is_same_v<T, bool>) {
    need(value.is_boolean(), "true or false");
  } else if constexpr (std::is_same_v<T, engine::Index>) {
    need(
        value.is_number_integer() && (!value.is_number_unsigned() || value.get<std::uint64_t>() <= INT64_MAX),
        "a whole number");
  } else if constexpr (std::is_floating_point_v<T>) {
    need(value.is_number(), "a number");
  } else if constexpr (std::is_same_v<T, std::string>) {
    need(value.is_string(), "a name");
  } else {  // a list
    need(value.is_array(), "a list");
    T list;
    for (std::size_t i = 0; i < value.size(); ++i)
      list.push_back(field_as<typename T::value_type>(value[i], name + '[' + std::to_string(i) + ']'));
    return list;
  }
  return value.get<T>();
}

/// The same of a member of `object`, or nothing when it is missing or null.
template <class T>
std::optional<T> field(const engine::Json& object, const std::string& name) {
  if (!object.contains(name) || object.at(name).is_null()) return std::nullopt;
  return field_as<T>(object.at(name), name);
}

/// The same of a member that must be there.
template <class T>
T needed_field(const engine::Json& object, const std::string& name) {
  engine::check(object.is_object() && object.contains(name), "there is no", name);
  return field_as<T>(object.at(name), name);
}

/// Three values, of red, green and blue.
inline std::array<float, 3> three_numbers_of(const std::vector<float>& values, const std::string& name) {
  engine::check(values.size() == 3, name, "should have three values, not", values.size());
  return {values[0], values[1], values[2]};
}

}  // namespace training
