#pragma once

#include "tools/cli/option_parser.h"

namespace cli {

/// Checks the files and folders that a command is to write, which the outputs of its table name, before long
/// work is lost. Throws an Error when there is no folder for a file or no file can be written there; a
/// UsageError when one is an input or another output, too, which writing would destroy. Paths are compared as
/// absolute ones without links. A model stands for its weight_files() and the JSON files beside them, and a
/// folder of data for all files below it. Begun files that a process which has ended left behind
/// are removed; where it may still be at work, as on another machine, they stay and are named.
void check_outputs(const OptionTable& table);

}  // namespace cli
