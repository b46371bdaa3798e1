#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "engine/io/safetensors.h"
#include "tools/training/run.h"

namespace training {

constexpr const char* kActivations = "activations";  ///< the tensor of such a file

/// Some rows of the activations of a data set, and the file that has them.
struct PrefixFile {
  std::filesystem::path path;
  std::shared_ptr<const data::Dataset> images;  ///< of these rows alone, in order
  Index cut = 0;
  std::string variant = {};  ///< JSON of how the images are varied; empty for not at all
};

/// How a file of that split is called, the `number`-th of this cut.
std::string prefix_file_name(const std::string& split, Index cut, Index blocks, Index number);
/// True for such a name.
bool is_prefix_file(const std::string& name);
/// The name of the file that was begun under this hidden name; empty for any other.
std::string begun_prefix_file(const std::string& hidden);
/// Removes all such files from a folder.
void remove_prefixes(const std::filesystem::path& folder);
/// Removes what processes that have ended began to write there.
void remove_abandoned_prefixes(const std::filesystem::path& folder);

/// Opens the file, when it is whole and has what this model and program would compute of the images as they
/// are now; nothing otherwise, with a note unless there is none. Throws an Error for a file of something
/// else.
std::shared_ptr<const engine::Safetensors> open_prefix(const PrefixFile& file, const Run& run,
                                                       const Events& events);
/// Writes it, whole or not at all. The images must all have been read.
void write_prefix(const PrefixFile& file, const engine::Tensor& rows, const Run& run);

}  // namespace training
