#include "tools/training/pretrained/model_path.h"

#include "engine/base/check.h"
#include "engine/io/file.h"
#include "engine/io/json.h"
#include "engine/io/shard_index.h"
#include "engine/io/sharded_safetensors.h"

namespace training {

namespace fs = std::filesystem;

namespace {

constexpr const char *kOneFile = "model.safetensors", *kIndex = "model.safetensors.index.json";

}  // namespace

ModelPath find_model(const std::string& path) {
  engine::check(fs::exists(path), path + ": no such file or folder");
  if (!fs::is_directory(path)) {
    const fs::path name = fs::path(path).filename();
    const bool whole_folder = name == kOneFile || name == kIndex;
    return {path, whole_folder ? fs::absolute(path).parent_path() : fs::path()};
  }
  for (const char* name : {kOneFile, kIndex}) {
    if (fs::exists(fs::path(path) / name)) return {fs::path(path) / name, path};
  }
  throw engine::Error(path + ": the folder has no " + kOneFile + " and no " + kIndex);
}

std::vector<fs::path> weight_files(const std::string& path) {
  std::vector<fs::path> files{path};
  try {
    const fs::path weights = find_model(path).weights;
    files = {weights};
    if (!engine::is_shard_index(weights)) return files;
    const auto index =
        engine::parse_shard_index(engine::read_file(weights, engine::kMaxJsonFile), weights.string());
    for (const std::string& shard : index.files) files.push_back(weights.parent_path() / shard);
  } catch (const std::exception&) {  // reported when the model is loaded
  }
  return files;
}

}  // namespace training
