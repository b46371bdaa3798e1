#include "tools/training/options/option.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/base/text.h"
#include "tools/training/per_side_json.h"

namespace training {

using nlohmann::ordered_json;

namespace {

/// "224", or "16x64".
data::ImageSize read_image_size(const std::string& option, const std::string& text, Index highest) {
  const auto side = [&](const std::string& number) {
    return engine::read_integer(option, number, 1, highest);
  };
  const std::size_t cross = text.find('x');
  engine::check(
      text.find_first_not_of("0123456789", cross == std::string::npos ? 0 : cross + 1) == text.npos &&
          cross != 0 && !text.ends_with('x'),
      option, "takes N or HxW (height x width), not", "'" + text + "'");
  if (cross == std::string::npos) return side(text);
  return {side(text.substr(0, cross)), side(text.substr(cross + 1))};
}

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

}  // namespace

bool is_switch(const Option& option) {
  return option.takes.empty();
}

void set_value(const Option& option, const std::string& text) {
  const std::string dashed = "--" + option.name;
  const auto not_empty = [&]() -> const std::string& {
    engine::check(!text.empty(), dashed, "takes", option.takes + ", not an empty text");
    return text;
  };
  std::visit(
      Overloaded{
          [&](const Text& v) { *v.field = not_empty(); }, [&](const Path& v) { *v.field = not_empty(); },
          [&](const List& v) { *v.field = engine::split(text, ','); },
          [&](const Repeated& v) { v.field->push_back(not_empty()); },
          [&](const Integer& v) { *v.field = engine::read_integer(dashed, text, v.lowest, v.highest); },
          [&](const ImageSides& v) { *v.field = read_image_size(dashed, text, v.highest); },
          [&](const Number& v) { *v.field = engine::read_number(dashed, text, v.range); },
          [&](const Choice& v) { *v.field = v.choices[engine::read_choice(dashed, text, v.choices)]; },
          [&](const Switch& v) { *v.field = engine::read_switch(dashed, text); },
          [&](const OverridingSwitch& v) { *v.field = engine::read_switch(dashed, text); },
          [&](const OfMethod& v) {
            (*v.field)[option.name] = !is_switch(option)                  ? text
                                      : engine::read_switch(dashed, text) ? "on"
                                                                          : "off";
          }},
      option.value);
}

void check_value(const Option& option) {
  const std::string dashed = "--" + option.name;
  if (field_text(option) == option.initial) return;
  std::visit(
      Overloaded{[&](const Integer& v) {
                   engine::check(*v.field >= v.lowest, dashed, "takes", v.lowest, "or more, not", *v.field);
                   engine::check(*v.field <= v.highest, dashed, "takes", v.highest, "or less, not", *v.field);
                 },
                 [&](const ImageSides& v) {
                   for (const Index side : {v.field->height, v.field->width})
                     engine::read_integer(dashed, std::to_string(side), 1, v.highest);
                 },
                 [&](const Number& v) {
                   engine::check(std::isfinite(*v.field) && v.range.contains(*v.field), dashed, "takes",
                                 v.range.words + std::string(", not"), *v.field);
                 },
                 [&](const Choice& v) { engine::read_choice(dashed, *v.field, v.choices); },
                 [](const auto&) {}},
      option.value);
}

ordered_json json_value(const Option& option) {
  return std::visit(Overloaded{[](const auto& v) -> ordered_json { return *v.field; },
                               [](const ImageSides& v) { return per_side_json(*v.field); },
                               [](const OverridingSwitch& v) -> ordered_json {
                                 return *v.field ? ordered_json(**v.field) : ordered_json();
                               },
                               [&](const OfMethod& v) -> ordered_json {
                                 const auto found = v.field->find(option.name);
                                 return found == v.field->end() ? ordered_json()
                                                                : ordered_json(found->second);
                               }},
                    option.value);
}

std::string field_text(const Option& option) {
  const auto* const integer = std::get_if<Integer>(&option.value);
  return integer ? std::to_string(*integer->field) : text_value(option);
}

std::string text_value(const Option& option) {
  return std::visit(
      Overloaded{
          [](const Integer& v) { return *v.field < v.lowest ? "" : std::to_string(*v.field); },
          [](const ImageSides& v) { return *v.field == data::ImageSize() ? "" : engine::say(*v.field); },
          [](const Number& v) { return engine::shortest(*v.field); },
          [](const Switch& v) -> std::string { return *v.field ? "on" : "off"; },
          [](const OverridingSwitch& v) -> std::string { return !*v.field   ? ""
                                                                : **v.field ? "on"
                                                                            : "off"; },
          [](const List& v) { return engine::join(*v.field, ","); },
          [](const Repeated& v) { return engine::join(*v.field, " "); },
          [&](const OfMethod& v) {
            const auto found = v.field->find(option.name);
            return found == v.field->end() ? "" : found->second;
          },
          [](const auto& v) { return *v.field; }},
      option.value);
}

}  // namespace training
