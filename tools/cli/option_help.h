#pragma once

#include <string>

#include "tools/cli/option_parser.h"

namespace cli {

/// `text` in lines of at most `width` characters, but for words that are longer, each behind `indent` spaces
/// but the first. Line breaks in it stay.
std::string wrapped(const std::string& text, std::size_t width, std::size_t indent = 0);

/// A command in lines that a shell takes for one, broken before options to keep to `width`.
std::string wrapped_command(const std::string& command, std::size_t width);

/// An option in lines of at most `width` characters: name, what it takes, text and default.
std::string option_lines(const Option& option, std::size_t width);

/// The options by their groups; those that are not common with `all` only. Behind the group of --method
/// comes one with the options of `method`, unless that is nullptr.
std::string options_help(const OptionTable& table, bool all, const peft::MethodInfo* method,
                         std::size_t width);

}  // namespace cli
