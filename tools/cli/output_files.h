#pragma once

#include <filesystem>
#include <functional>

#include "tools/cli/option_parser.h"

namespace cli {

/// Throws an Error when a file is there that is not empty and no safetensors file: anything else, such as an
/// image that a list names, is somebody's only copy.
void check_replaces_safetensors(const std::filesystem::path& path);

/// Checks the files and folders that a command is to write, which the outputs of its table name, before long
/// work is lost. Throws an Error when there is no folder for a file or no file can be written there; a
/// UsageError when one is an input or another output, too, which writing would destroy, or when
/// `check_replaceable` throws for what is there already. Paths are compared as absolute ones without links. A
/// model stands for its weight_files() and the JSON files beside them, and a folder of data for all files
/// below it. Begun files that a process which has ended left behind are removed; where it may still be at
/// work, as on another machine, they stay and are named.
void check_outputs(
    const OptionTable& table,
    const std::function<void(const std::filesystem::path&)>& check_replaceable = check_replaces_safetensors);

/// The same where --out is a folder that is made for the files, in one that is there. It may be none of the
/// inputs, and hold none of their files.
void check_output_folder(const OptionTable& table,
                         const std::function<void(const std::filesystem::path&)>& check_replaceable);

/// Throws a UsageError for a folder, the value of `option`, that lies in the folder of a split of `data`: it
/// would be a class to whoever reads the data again.
void check_not_among_images(const std::string& option, const std::filesystem::path& out,
                            const std::filesystem::path& data);

}  // namespace cli
