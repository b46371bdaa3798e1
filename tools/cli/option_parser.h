#pragma once

#include <span>

#include "tools/cli/given_options.h"
#include "tools/cli/option_table.h"

namespace cli {

/// What a command line asks for.
struct Parsed {
  enum class Help { none, common, all };
  Help help = Help::none;
  GivenOptions given;  ///< in the order given
};

/// Puts the values that `words` give into the table's fields: "--name value", "--name=value"; a switch also
/// "--name=off", one of a method also "--no-name". When help is asked for, nothing is set, and of all options
/// only --method counts as given. Throws an Error that names the option: it is unknown (with the nearest
/// names), has no value or a wrong one, or is given twice.
Parsed parse(const OptionTable& table, std::span<const std::string> words);

/// Throws an Error when a given option excludes another given one, or differs from its default while the one
/// it needs is not set.
void check_relations(const OptionTable& table, const GivenOptions& given);

}  // namespace cli
