#include "engine/io/sharded_safetensors.h"

#include <set>
#include <utility>

#include "engine/base/text.h"
#include "engine/io/file.h"
#include "engine/io/in_quotes.h"
#include "engine/io/json.h"
#include "engine/io/sha256.h"
#include "engine/io/shard_index.h"

namespace engine {
namespace {

namespace fs = std::filesystem;

/// Checks that no tensor of a shard belongs elsewhere.
void check_shard(const Safetensors& shard, std::size_t place, const ShardIndex& index,
                 const std::string& index_path) {
  for (const SafetensorsEntry& entry : shard.entries()) {
    const auto listed = index.tensors.find(entry.name);
    check(listed != index.tensors.end(), shard.path() + ": tensor", in_quotes(entry.name),
          "is not in the weight_map of", index_path + "; it should be in both or in neither");
    check(listed->second == place, shard.path() + ": tensor", in_quotes(entry.name), "should be in",
          in_quotes(index.files[listed->second]), "alone, by the weight_map of", index_path);
  }
}

/// What no two files say differently.
Metadata agreed(const std::vector<Safetensors>& files) {
  Metadata all;
  std::set<std::string> disputed;
  for (const Safetensors& file : files) {
    for (const auto& [key, value] : file.metadata()) {
      if (all.emplace(key, value).first->second != value) disputed.insert(key);
    }
  }
  for (const std::string& key : disputed) all.erase(key);
  return all;
}

}  // namespace

bool is_shard_index(const fs::path& path) {
  return path.filename().string().ends_with(".safetensors.index.json");
}

ShardedSafetensors::ShardedSafetensors(const fs::path& path)
    : path_(path.string()), cut_(is_shard_index(path)) {
  if (cut_) {
    open_shards(path);
  } else {
    files_.emplace_back(path);
    for (const SafetensorsEntry& entry : files_[0].entries()) places_.emplace(entry.name, 0);
  }
  metadata_ = agreed(files_);
}

void ShardedSafetensors::open_shards(const fs::path& path) {
  ShardIndex index = parse_shard_index(read_file(path, kMaxJsonFile), path_);
  for (std::size_t i = 0; i < index.files.size(); ++i) {
    const fs::path file = path.parent_path() / index.files[i];
    check(fs::exists(file), file.string() + ": no such file, but the weight_map of", path_, "names it");
    files_.emplace_back(file);
    check_shard(files_[i], i, index, path_);
  }
  for (const auto& [tensor, place] : index.tensors) {
    check(files_[place].contains(tensor), files_[place].path() + ": there is no tensor",
          in_quotes(tensor) + ", but the weight_map of", path_, "places it there");
  }
  places_ = std::move(index.tensors);
  if (index.total_size && *index.total_size != bytes()) wrong_total_size_ = index.total_size;
}

std::vector<std::string> ShardedSafetensors::names() const {
  std::vector<std::string> names;
  for (const Safetensors& file : files_) {
    for (const SafetensorsEntry& entry : file.entries()) names.push_back(entry.name);
  }
  return names;
}

const Safetensors& ShardedSafetensors::file_of(std::string_view name) const {
  const auto found = places_.find(name);
  if (found == places_.end())
    throw Error(say(path_ + ":", "no tensor", in_quotes(name) + did_you_mean(name, names())));
  return files_[found->second];
}

std::string ShardedSafetensors::sha256() const {
  if (!cut_) return engine::sha256(path_);
  Sha256 all;
  for (const Safetensors& file : files_) {
    const std::string line =
        engine::sha256(file.path()) + "  " + fs::path(file.path()).filename().string() + "\n";
    all.add(std::as_bytes(std::span(line)));
  }
  return all.hex();
}

std::uint64_t ShardedSafetensors::bytes() const {
  std::uint64_t bytes = 0;
  for (const Safetensors& file : files_) {
    for (const SafetensorsEntry& entry : file.entries()) bytes += entry.bytes;
  }
  return bytes;
}

}  // namespace engine
