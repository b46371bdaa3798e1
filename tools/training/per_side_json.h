#pragma once

#include <string>
#include <vector>

#include "data/per_side.h"
#include "tools/training/json_field.h"

namespace training {

/// A single value, or [height, width] where they differ.
template <class T>
engine::Json per_side_json(const data::PerSide<T>& sides) {
  if (sides.is_single()) return sides.height;
  return {sides.height, sides.width};
}

/// The same back; [224, 224] is read, too. Throws an Error that names the field and what it should be.
template <class T>
data::PerSide<T> per_side_as(const engine::Json& value, const std::string& name) {
  if (!value.is_array()) return field_as<T>(value, name);
  const auto sides = field_as<std::vector<T>>(value, name);
  engine::check(sides.size() == 2, name, "should have two values, not", sides.size());
  return {sides[0], sides[1]};
}

/// The same of a member that must be there.
template <class T>
data::PerSide<T> needed_per_side(const engine::Json& object, const std::string& name) {
  engine::check(object.is_object() && object.contains(name), "there is no", name);
  return per_side_as<T>(object.at(name), name);
}

}  // namespace training
