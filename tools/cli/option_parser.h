#pragma once

#include <span>

#include "tools/cli/given_options.h"
#include "tools/training/options/option_table.h"

namespace cli {

using engine::Index;
using training::Option, training::OptionTable;

/// What a command line asks for.
struct Parsed {
  enum class Help { none, common, all };
  Help help = Help::none;
  GivenOptions given;  ///< in the order given
};

/// Puts the values that `words` give into the table's fields: "--name value", "--name=value"; a switch also
/// "--name=off", one of a method also "--no-name". When help is asked for, nothing is set, and of all options
/// only --method counts as given. Throws an Error that names the option: it is unknown (with the nearest
/// names), has no value or a wrong one, is given twice, or a switch both ways.
Parsed parse(const OptionTable& table, std::span<const std::string> words);

/// training::check_relations() of what is given.
void check_relations(const OptionTable& table, const GivenOptions& given);

}  // namespace cli
