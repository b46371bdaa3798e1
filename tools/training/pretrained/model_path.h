#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace training {

/// What `--model PATH` stands for.
struct ModelPath {
  std::filesystem::path weights;  ///< the file, or the index of one that is cut into shards
  std::filesystem::path folder;  ///< holds config.json; empty when nothing beside the weights belongs to them
};

/// Finds model.safetensors, or else model.safetensors.index.json, in a folder; a file is the weights
/// themselves. Throws an Error naming the path when there is no such thing.
ModelPath find_model(const std::string& path);

/// The files that `--model PATH` reads weights from: one file, or an index and its shards. Never throws: of
/// what cannot be read it is the path alone.
std::vector<std::filesystem::path> weight_files(const std::string& path);

}  // namespace training
