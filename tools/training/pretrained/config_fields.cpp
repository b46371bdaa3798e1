#include "tools/training/pretrained/config_fields.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/base/text.h"
#include "engine/io/in_quotes.h"

namespace training {

using engine::Json;

namespace {

constexpr ConfigField kFields[] = {
#define FIELD(form, name, meaning, values) {ConfigForm::form, name, ConfigField::Meaning::meaning, values},
#include "tools/training/pretrained/config_fields.def"
#undef FIELD
};

const ConfigField* find_field(std::string_view name, std::span<const ConfigForm> forms) {
  for (const ConfigField& field : kFields)
    if (field.name == name && std::ranges::find(forms, field.form) != forms.end()) return &field;
  return nullptr;
}

/// A value as a message shows it: short, and on one line.
std::string shown(const Json& value) {
  return value.is_structured()
             ? std::string(value.type_name())
             : engine::in_quotes(value.is_string() ? value.get<std::string>() : value.dump());
}

void check_fixed(const ConfigField& field, const Json& value, const std::string& name) {
  const Json values = engine::parse_json(field.values, field.name);
  if (value.is_null() || std::ranges::find(values, value) != values.end()) return;
  std::vector<std::string> right;
  for (const Json& v : values) right.push_back(v.dump());
  if (right.empty()) right.emplace_back("null");
  throw engine::Error(engine::say(name, "should be", engine::join(right, " or ") + ", not",
                                  shown(value) + ": nothing else is computed"));
}

}  // namespace

std::span<const ConfigField> config_fields() {
  return kFields;
}

void check_config_fields(const Json& object, std::span<const ConfigForm> forms, const std::string& prefix,
                         std::vector<std::string>& unknown) {
  for (const auto& [name, value] : object.items()) {
    const ConfigField* const field = find_field(name, forms);
    if (!field)
      unknown.push_back(prefix + name);
    else if (field->meaning == ConfigField::Meaning::fixed)
      check_fixed(*field, value, prefix + name);
  }
}

}  // namespace training
