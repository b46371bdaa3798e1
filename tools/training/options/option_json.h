#pragma once

#include <nlohmann/json_fwd.hpp>

#include "tools/training/options/option_table.h"

namespace training {

/// The values of all options but those of this call, by name with "_" in place of "-", as config.json has
/// them. Behind `method` come `method_options`: all that this method has, with their values.
nlohmann::ordered_json options_json(const OptionTable& table);

/// Of these, the ones that act on the result: what two runs must have in common for one to go on with the
/// other. Numbers of a method are written in one way, and what another option takes the place of is left out.
nlohmann::ordered_json options_identity(const OptionTable& table);

/// True for an option that acts on the result, as the others are set.
bool acts_on_result(const OptionTable& table, const Option& option);

}  // namespace training
