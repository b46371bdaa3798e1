#pragma once

#include <string>
#include <utility>
#include <vector>

#include "peft/methods.h"

namespace cli {

/// Options by their names without dashes, with their values; "" for a switch.
using GivenOptions = std::vector<std::pair<std::string, std::string>>;

/// `own` options and those of `common` that they leave open: an option of the same name, its opposite
/// (no-NAME) or, for epochs and steps, the other one takes its place.
GivenOptions merged(const GivenOptions& common, const GivenOptions& own);

/// The words of `tune` that give these options; a switch of `method` may have the value on or off.
std::vector<std::string> words_of(const peft::MethodInfo& method, const GivenOptions& options);

}  // namespace cli
