#pragma once

#include <nlohmann/json_fwd.hpp>

#include "tools/cli/option_table.h"

namespace cli {

/// The values of all options but those of this call, by name with "_" in place of "-", as config.json has
/// them. Behind `method` come `method_options`: all that this method has, with their values.
nlohmann::ordered_json options_json(const OptionTable& table);

/// Of these, the ones that act on the result: what two runs must have in common for one to go on with the
/// other.
nlohmann::ordered_json options_identity(const OptionTable& table);

}  // namespace cli
