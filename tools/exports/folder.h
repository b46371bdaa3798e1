#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/io/safetensors.h"

namespace exports {

/// The files of an export in the order in which they are written: README.md, which says whose folder it is,
/// texts by name, and last the weights.
struct FolderFiles {
  std::string format;  ///< --format
  std::string card;    ///< README.md
  std::vector<std::pair<std::string, std::string>> texts;
  std::string weights;  ///< the name of the file of weights
  engine::NamedTensors tensors;
  engine::Metadata metadata;
};

/// Throws an Error when something is at the path that is no empty folder and none that write_folder() has
/// written for this format, or holds other files than these `names`.
void check_folder(const std::filesystem::path& out, const std::string& format,
                  std::span<const char* const> names);

/// Makes the folder where it is not there, and writes every file whole. Weights that are there go first, so
/// that none stand beside a config of others, whenever the process ends; what a process that has ended had
/// begun goes, too. Returns the files.
std::vector<std::filesystem::path> write_folder(const std::filesystem::path& out, const FolderFiles& files);

}  // namespace exports
