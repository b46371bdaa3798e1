#include "tools/training/options/option_table.h"

#include <algorithm>

#include "engine/base/text.h"
#include "peft/methods.h"

namespace training {

Option& OptionTable::add(std::string name, std::string takes, Value value, std::string help) {
  engine::check(!find(name), "option --" + name, "is declared twice");
  Option& option = options_.emplace_back(Option{.name = std::move(name),
                                                .takes = std::move(takes),
                                                .value = std::move(value),
                                                .help = std::move(help),
                                                .default_text = {},
                                                .group = group_});
  option.default_text = text_value(option);
  option.initial = field_text(option);
  if (option.default_text.empty()) option.default_text = "none";
  return option;
}

Option& OptionTable::text(std::string name, std::string& field, std::string takes, std::string help) {
  return add(std::move(name), std::move(takes), Text{&field}, std::move(help));
}

Option& OptionTable::input(std::string name, std::string& field, std::string takes, std::string help) {
  return add(std::move(name), std::move(takes), Path{&field, false}, std::move(help));
}

Option& OptionTable::output(std::string name, std::string& field, std::string takes, std::string help) {
  return add(std::move(name), std::move(takes), Path{&field, true}, std::move(help));
}

Option& OptionTable::list(std::string name, std::vector<std::string>& field, std::string takes,
                          std::string help) {
  return add(std::move(name), std::move(takes), List{&field}, std::move(help));
}

Option& OptionTable::repeated(std::string name, std::vector<std::string>& field, std::string takes,
                              std::string help) {
  return add(std::move(name), std::move(takes), Repeated{&field}, std::move(help));
}

Option& OptionTable::integer(std::string name, Index& field, Index lowest, std::string help, Index highest) {
  return add(std::move(name), "N", Integer{&field, lowest, highest}, std::move(help));
}

Option& OptionTable::image_size(std::string name, data::ImageSize& field, std::string help, Index highest) {
  return add(std::move(name), "N|HxW", ImageSides{&field, highest}, std::move(help));
}

Option& OptionTable::number(std::string name, double& field, const engine::NumberRange& range,
                            std::string help) {
  return add(std::move(name), "X", Number{&field, range}, std::move(help));
}

Option& OptionTable::choice(std::string name, std::string& field, std::vector<std::string> choices,
                            std::string help) {
  std::string takes = engine::join(choices, "|");
  return add(std::move(name), std::move(takes), Choice{&field, std::move(choices)}, std::move(help));
}

Option& OptionTable::flag(std::string name, bool& field, std::string help) {
  return add(std::move(name), "", Switch{&field}, std::move(help));
}

Option& OptionTable::flag(std::string name, std::optional<bool>& field, std::string help) {
  return add(std::move(name), "", OverridingSwitch{&field}, std::move(help));
}

Option& OptionTable::methods(std::string& method, std::map<std::string, std::string>& values) {
  method_ = &method, method_values_ = &values;
  for (const peft::MethodInfo& info : peft::methods()) {
    for (const peft::OptionInfo& option : info.options)
      if (!find(option.name)) method_options_.push_back(method_option(option, values));
  }
  return text("method", method, "NAME", "see `espalier methods`");
}

void OptionTable::words(std::string takes, std::vector<std::string>& field, std::string help) {
  words_ = {std::move(takes), std::move(help), &field};
}

const Option* OptionTable::find(const std::string& name) const {
  for (const std::vector<Option>* options : {&options_, &method_options_}) {
    const auto found = std::ranges::find(*options, name, &Option::name);
    if (found != options->end()) return &*found;
  }
  return nullptr;
}

Option method_option(const peft::OptionInfo& info, std::map<std::string, std::string>& values) {
  return {.name = info.name,
          .takes = info.values,
          .value = OfMethod{&values},
          .help = info.help,
          .default_text = info.default_value.empty() ? info.default_text : info.default_value,
          .group = "Method",
          .needs = info.needs};
}

}  // namespace training
