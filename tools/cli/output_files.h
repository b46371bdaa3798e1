#pragma once

#include "tools/cli/option_table.h"

namespace cli {

/// Checks the files that a command is to write, which the outputs of its table name, before long work is
/// lost. Throws an Error when there is no folder for one or no file can be written there; a UsageError when
/// one is an input or another output, too, which writing would destroy. A folder or an index that is an input
/// stands for its weight_files().
void check_outputs(const OptionTable& table);

}  // namespace cli
