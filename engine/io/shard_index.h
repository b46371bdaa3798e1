#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace engine {

/// How many files a checkpoint may be cut into.
constexpr std::size_t kMaxShards = 1000;

/// What `model.safetensors.index.json` states about a checkpoint that is cut into several files, its shards.
struct ShardIndex {
  std::vector<std::string> files;  ///< the shards' names, each once, sorted by their bytes
  std::map<std::string, std::size_t, std::less<>> tensors;  ///< a tensor's name to the position of its file
  std::optional<std::uint64_t> total_size;  ///< bytes of all tensors, where the metadata has it
};

/// Reads the JSON text of an index as strictly as parse_json(). Its `weight_map` must name a file for every
/// tensor: a plain name in the index's own folder that ends in .safetensors. Of `metadata` only total_size
/// counts; other fields are read over. Throws an Error that begins with `what` and names tensor and file.
ShardIndex parse_shard_index(std::string_view text, std::string_view what);

}  // namespace engine
