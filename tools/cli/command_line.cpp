#include "tools/cli/command_line.h"

#include <algorithm>
#include <iostream>

#include "engine/base/text.h"
#include "peft/methods.h"
#include "tools/cli/console.h"
#include "tools/cli/option_help.h"
#include "tools/training/usage_error.h"

namespace cli {

CommandLine::CommandLine(std::string command, std::string summary, std::string example)
    : command_(std::move(command)), summary_(std::move(summary)), example_(std::move(example)) {}

void CommandLine::complain(const std::string& what) const {
  throw training::UsageError((command_.empty() ? "" : command_ + ": ") + what);
}

bool CommandLine::parse(std::span<const std::string> words, Relations relations) {
  try {
    Parsed parsed = cli::parse(table, words);
    if (parsed.help != Parsed::Help::none) {
      const std::string method = parsed.given.empty() ? "" : parsed.given.front().second;
      std::cout << help(parsed.help == Parsed::Help::all, method, text_width());
      return false;
    }
    given_ = std::move(parsed.given);
  } catch (const engine::Error& e) {
    complain(e.what());
  }
  if (relations == Relations::check) check_relations();
  const Option* const strict = table.find("strict");
  if (strict && training::text_value(*strict) == "on") notes_are_errors();
  return true;
}

void CommandLine::check_relations() const {
  try {
    cli::check_relations(table, given_);
  } catch (const engine::Error& e) {
    complain(e.what());
  }
}

bool CommandLine::given(const std::string& name) const {
  return std::ranges::any_of(given_, [&](const auto& option) { return option.first == name; });
}

std::string CommandLine::help(bool all, const std::string& method, std::size_t width) const {
  const std::string call = "espalier " + command_;
  const OptionTable::Words& words = table.words();
  std::string text = "Usage: " + call + (words.field ? " " + words.takes + "..." : "") + " [options]\n\n" +
                     wrapped(summary_, width) + "\n\nDefaults are in [brackets].\n";
  if (words.field) text += "\n" + wrapped("  " + words.takes + ": " + words.help, width) + '\n';

  text += options_help(table, all, method.empty() ? nullptr : &peft::find_method(method), width) + '\n';

  const auto rare = std::ranges::count(table.options(), false, &Option::common);
  if (rare > 0 && !all)
    text += wrapped("All " + std::to_string(table.options().size()) + " options: " + call + " --help-all",
                    width) +
            '\n';
  if (table.method() && method.empty())
    text += wrapped("Options of a method: " + call + " --method NAME --help", width) + '\n';
  return text + (text.ends_with("\n\n") ? "" : "\n") + "Example:\n" + wrapped_command(example_, width) + '\n';
}

}  // namespace cli
