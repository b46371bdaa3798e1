#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>
#include <string>

#include "engine/io/safetensors.h"
#include "engine/io/sharded_safetensors.h"
#include "tests/support/compare.h"
#include "tests/support/paths.h"
#include "tools/training/pretrained/model_path.h"
#include "tools/training/pretrained/model_source.h"

/// Checkpoints as timm, transformers, OpenCLIP, torchvision and Google write them, each in a folder with
/// what its library computes.
namespace training {

using engine::Index;
using engine::Safetensors;
using engine::Tensor;

inline std::filesystem::path case_folder(const std::string& name) {
  return support::shared_dir() / "golden/backbones" / name;
}

/// What --model takes of a case: its folder, or the one file of Google's.
inline std::filesystem::path model_of(const std::string& name) {
  const std::filesystem::path npz = case_folder(name) / "model.npz";
  return std::filesystem::exists(npz) ? npz : case_folder(name);
}

inline LoadedModel load(const std::string& name) {
  ModelSource source;
  source.model = model_of(name);
  source.threads = 1;
  return load_model(source);
}

inline double largest(const Tensor& t) {
  double most = 0;
  for (const double x : support::doubles(t)) most = std::max(most, std::abs(x));
  return most;
}

inline double largest_difference(const Tensor& a, const Tensor& b) {
  const auto x = support::doubles(a), y = support::doubles(b);
  double most = x.size() == y.size() ? 0 : 1e300;
  for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) most = std::max(most, std::abs(x[i] - y[i]));
  return most;
}

/// The names and values of a checkpoint in safetensors.
inline engine::NamedTensors read_all(const std::filesystem::path& folder) {
  const engine::ShardedSafetensors weights(find_model(folder).weights);
  engine::NamedTensors all;
  for (const Safetensors& shard : weights.files())
    for (const std::string& name : shard.names()) all.emplace_back(name, shard.read(name));
  return all;
}

class Golden : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(case_folder(GetParam())))
      GTEST_SKIP() << "needs " << case_folder(GetParam());
  }
};

/// What a checkpoint's own library computes, to the tolerances of f32.
class Computed : public Golden {
 protected:
  void SetUp() override {
    Golden::SetUp();
    if (IsSkipped()) return;
    golden.emplace(folder / "golden.safetensors");
    loaded.emplace(load(GetParam()));
    if (!is_npz()) checkpoint = read_all(folder);
  }
  bool is_npz() const { return model_of(GetParam()) != folder; }
  std::string images_name() const { return golden->contains("images") ? "images" : "pixel_values"; }

  std::filesystem::path folder = case_folder(GetParam());
  std::optional<Safetensors> golden;
  std::optional<LoadedModel> loaded;
  engine::NamedTensors checkpoint;  ///< the checkpoint's, but of a .npz none: it is never written
};

}  // namespace training
