#include "tools/cli/args.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <set>

#include "engine/base/text.h"
#include "peft/methods.h"

namespace cli {
namespace {

std::string show(double value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

}  // namespace

Args::Args(const std::string& command, const std::string& summary)
    : command_(command), app_(std::make_unique<CLI::App>(summary, "espalier " + command)) {
  app_->set_help_flag("--help,-h", "print this and stop");
  app_->allow_extras();
  app_->get_formatter()->column_width(40);
}

Args::~Args() = default;

void Args::add(const std::string& name, const std::string& values, const std::string& help,
               const std::string& standard, const std::function<void(const std::string&)>& take) {
  app_->add_option_function<std::string>(name, take, standard.empty() ? help : help + " (" + standard + ")")
      ->type_name(values)
      ->group(group_);
}

void Args::text(const std::string& name, std::string& target, const std::string& values,
                const std::string& help) {
  add(name, values, help, target, [&target, name, values](const std::string& given) {
    engine::check(!given.empty(), name, "takes", values + ", not an empty text");
    target = given;
  });
}

void Args::texts(const std::string& name, std::vector<std::string>& target, const std::string& help) {
  app_->add_option(name, target, help);
}

void Args::list(const std::string& name, std::vector<std::string>& target, const std::string& values,
                const std::string& help) {
  add(name, values, help, engine::join(target, ","),
      [&target](const std::string& given) { target = engine::split(given, ','); });
}

void Args::many(const std::string& name, std::vector<std::string>& target, const std::string& values,
                const std::string& help) {
  app_->add_option(name, target, help)->allow_extra_args(false)->take_all()->type_name(values)->group(group_);
}

void Args::integer(const std::string& name, Index& target, Index lowest, const std::string& help,
                   Index highest) {
  const std::string standard = target >= lowest ? std::to_string(target) : "";
  add(name, "N", help, standard, [&target, name, lowest, highest](const std::string& given) {
    target = engine::parse_integer(given, name);
    engine::check(target >= lowest, name, "takes", lowest, "or more, not", given);
    engine::check(target <= highest, name, "takes", highest, "or less, not", given);
  });
}

void Args::number(const std::string& name, double& target, bool (*ok)(double), const std::string& range,
                  const std::string& help) {
  add(name, "X", help, show(target), [&target, name, ok, range](const std::string& given) {
    target = engine::parse_number(given, name);
    engine::check(ok(target), name, "takes", range + ", not", given);
  });
}

void Args::choice(const std::string& name, std::string& target, const std::vector<std::string>& choices,
                  const std::string& help) {
  add(name, engine::join(choices, "|"), help, target, [&target, name, choices](const std::string& given) {
    engine::check(std::ranges::find(choices, given) != choices.end(), name, "takes",
                  engine::join(choices, "|") + ", not '" + given + "'");
    target = given;
  });
}

void Args::flag(const std::string& name, bool& target, const std::string& help) {
  app_->add_flag(name, target, help)->group(group_);
}

void Args::method_options(std::map<std::string, std::string>& target) {
  std::map<std::string, std::vector<std::string>> owners;
  for (const peft::MethodInfo& method : peft::methods()) {
    for (const peft::OptionInfo& option : method.options) owners[option.name].push_back(method.name);
  }
  for (const peft::MethodInfo& method : peft::methods()) {
    for (const peft::OptionInfo& option : method.options) {
      const std::string dashed = "--" + option.name;
      if (app_->get_option_no_throw(dashed)) continue;  // another method has it too
      const std::string help = option.help + " (" + engine::join(owners[option.name], ", ") + ")";
      if (option.values.empty()) {
        const auto set = [&](const std::string& flag, bool on, const std::string& what) {
          app_->add_flag_function(
                  flag,  // --flag=off counts as -1
                  [&target, name = option.name, on](std::int64_t n) {
                    target[name] = on == (n > 0) ? "on" : "off";
                  },
                  what)
              ->group(group_);
        };
        set(dashed, true, help);
        set("--no-" + option.name, false, "not " + option.name);
      } else {
        add(dashed, option.values, help, "",
            [&target, name = option.name](const std::string& given) { target[name] = given; });
      }
    }
  }
}

std::vector<std::string> Args::option_names() const {
  std::vector<std::string> names;
  for (const CLI::Option* option : app_->get_options()) {
    if (!option->get_positional()) names.push_back(option->get_name());
  }
  return names;
}

bool Args::parse(std::span<const std::string> arguments) {
  for (const std::string& word : arguments) {
    const std::size_t equals = word.find('=');
    if (!word.starts_with("--") || equals == std::string::npos) continue;
    const std::string name = word.substr(0, equals), value = word.substr(equals + 1);
    if (value.empty()) throw training::UsageError(command_ + ": " + name + " has no value behind its =");
    const CLI::Option* const option = app_->get_option_no_throw(name);
    static const std::set<std::string> kSwitch{"on", "off", "true", "false", "yes", "no", "1", "0"};
    if (option && option->get_expected_max() == 0 && !kSwitch.contains(value))
      throw training::UsageError(command_ + ": " + name + " takes on or off, not '" + value + "'");
  }
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());  // as CLI11 wants them
  try {
    app_->parse(reversed);
  } catch (const CLI::CallForHelp&) {
    std::cout << app_->help();
    return false;
  } catch (const CLI::ParseError& e) {
    throw training::UsageError(command_ + ": " + e.what());
  } catch (const engine::Error& e) {
    throw training::UsageError(command_ + ": " + e.what());
  }
  for (const std::string& extra : app_->remaining()) {
    const std::string name = extra.substr(0, extra.find('='));
    if (name.starts_with("-"))
      throw training::UsageError(command_ + ": unknown option '" + name + "'" +
                                 engine::did_you_mean(name, option_names()));
    throw training::UsageError(command_ + ": unexpected argument '" + extra + "'");
  }
  return true;
}

bool Args::given(const std::string& name) const {
  return app_->count(name) > 0;
}

std::vector<std::pair<std::string, std::string>> Args::all_given() const {
  std::vector<std::pair<std::string, std::string>> all;
  for (const CLI::Option* option : app_->get_options()) {
    if (option->get_positional()) continue;
    const bool is_switch = option->get_expected_max() == 0;
    for (const std::string& value : option->results())
      all.emplace_back(option->get_single_name(), is_switch && value == "true" ? "" : value);
  }
  return all;
}

}  // namespace cli
