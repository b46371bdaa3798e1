#include "tools/training/pretrained/model_path.h"

#include "engine/base/check.h"
#include "engine/io/file.h"
#include "engine/io/foreign_format.h"
#include "engine/io/json.h"
#include "engine/io/shard_index.h"
#include "engine/io/sharded_safetensors.h"

namespace training {

namespace fs = std::filesystem;

namespace {

constexpr const char *kOneFile = "model.safetensors", *kIndex = "model.safetensors.index.json",
                     *kOpenClip = "open_clip_model.safetensors";

/// What is said of a checkpoint of another format that the folder holds.
std::string instead_in(const fs::path& folder) {
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string end = entry.path().extension();
    if (end != ".bin" && end != ".pth" && end != ".pt" && end != ".npz" && end != ".onnx") continue;
    if (!entry.is_regular_file()) continue;
    const std::string format = engine::recognised_format(engine::File(entry.path()));
    if (!format.empty()) return "; " + entry.path().filename().string() + " " + format;
  }
  return {};
}

}  // namespace

ModelPath find_model(const std::string& path) {
  engine::check(fs::exists(path), path + ": no such file or folder");
  if (!fs::is_directory(path)) {
    const fs::path name = fs::path(path).filename();
    const bool whole_folder = name == kOneFile || name == kIndex || name == kOpenClip;
    return {path, whole_folder ? fs::absolute(path).parent_path() : fs::path()};
  }
  for (const char* name : {kOneFile, kIndex, kOpenClip}) {
    if (fs::exists(fs::path(path) / name)) return {fs::path(path) / name, path};
  }
  throw engine::Error(path + ": the folder has no " + kOneFile + " and no " + kIndex + instead_in(path));
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
