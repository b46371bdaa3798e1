#include "tools/training/options/option.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/base/text.h"

namespace training {

using nlohmann::ordered_json;

namespace {

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
      Overloaded{[](const Integer& v) { return *v.field < v.lowest ? "" : std::to_string(*v.field); },
                 [](const Number& v) { return engine::shortest(*v.field); },
                 [](const Switch& v) -> std::string { return *v.field ? "on" : "off"; },
                 [](const OverridingSwitch& v) -> std::string {
                   return !*v.field ? "" : **v.field ? "on" : "off";
                 },
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
