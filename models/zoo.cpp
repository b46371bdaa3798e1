#include "models/zoo.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "engine/base/text.h"
#include "engine/nn/roles.h"

namespace models {

using engine::Index;
using engine::Shape;

namespace {

struct Row {
  const char* name;
  Index image_size, patch, width, depth, heads;
};

constexpr Row kZoo[] = {
    {"vit_tiny_patch16_224", 224, 16, 192, 12, 3},
    {"vit_tiny_patch16_384", 384, 16, 192, 12, 3},
    {"vit_small_patch16_224", 224, 16, 384, 12, 6},
    {"vit_small_patch16_384", 384, 16, 384, 12, 6},
    {"vit_small_patch32_224", 224, 32, 384, 12, 6},
    {"vit_base_patch16_224", 224, 16, 768, 12, 12},
    {"vit_base_patch16_384", 384, 16, 768, 12, 12},
    {"vit_base_patch32_224", 224, 32, 768, 12, 12},
    {"vit_base_patch32_384", 384, 32, 768, 12, 12},
    {"vit_base_patch8_224", 224, 8, 768, 12, 12},
    {"vit_large_patch16_224", 224, 16, 1024, 24, 16},
    {"vit_large_patch16_384", 384, 16, 1024, 24, 16},
    {"vit_large_patch32_224", 224, 32, 1024, 24, 16},
    {"deit_tiny_patch16_224", 224, 16, 192, 12, 3},
    {"deit_small_patch16_224", 224, 16, 384, 12, 6},
    {"deit_base_patch16_224", 224, 16, 768, 12, 12},
    {"deit_base_patch16_384", 384, 16, 768, 12, 12},
    {"vit_demo_patch4_28", 28, 4, 64, 6, 4},  // of tools/demo, not timm's
};

/// How many parameters a model has, about: its matrices and tokens. A double, for sizes that make no sense.
double parameters_of(const VitConfig& c) {
  const auto real = [](Index n) { return static_cast<double>(n); };
  const double grid = real(c.image_size) / real(c.patch), width = real(c.width);
  const double patches = real(c.channels) * real(c.patch) * real(c.patch) + grid * grid;
  return width * (patches + real(c.depth) * (4 * width + 2 * real(c.hidden)) + real(c.classes));
}

/// A damaged file may claim sizes that it does not have: memory is taken by them before all is read.
void check_file_fills(const VitConfig& c, const std::map<std::string, Shape>& shapes) {
  constexpr double kSlack = 2,
                   kSmall = 1e6;  // what is merely incomplete is reported by the names that are missing
  double there = 0;
  for (const auto& [name, shape] : shapes) there += static_cast<double>(shape.numel());
  engine::check(parameters_of(c) <= kSlack * there + kSmall, "the shapes describe a model of", c.depth,
                "blocks of width", c.width, "with about", parameters_of(c), "parameters, but the file has",
                there);
}

}  // namespace

std::vector<std::string> architecture_names() {
  std::vector<std::string> names;
  for (const Row& row : kZoo) names.emplace_back(row.name);
  return names;
}

VitConfig architecture(const std::string& name) {
  for (const Row& r : kZoo) {
    if (name != r.name) continue;
    VitConfig config;
    config.image_size = r.image_size, config.patch = r.patch;
    config.width = r.width, config.depth = r.depth, config.heads = r.heads, config.hidden = 4 * r.width;
    return config;
  }
  throw engine::Error(
      engine::say("unknown architecture '" + name + "'" + engine::did_you_mean(name, architecture_names())));
}

std::string architecture_name(const VitConfig& c) {
  for (const Row& r : kZoo) {
    if (c.image_size == r.image_size && c.patch == r.patch && c.width == r.width && c.depth == r.depth &&
        c.heads == r.heads && c.hidden == 4 * r.width && c.qkv_bias && c.channels == 3) {
      return r.name;
    }
  }
  return "vit_" + std::to_string(c.width) + "w_" + std::to_string(c.depth) + "d_patch" +
         std::to_string(c.patch) + "_" + std::to_string(c.image_size);
}

VitConfig config_from_shapes(const std::map<std::string, Shape>& shapes, std::optional<Index> heads) {
  const auto shape = [&](const std::string& name, int rank) {
    const auto found = shapes.find(name);
    engine::check(found != shapes.end(), "not a Vision Transformer with timm's names: there is no", name);
    engine::check(found->second.rank() == rank, name, "should have", rank, "axes, not", found->second);
    return found->second;
  };
  VitConfig c;
  const Shape patch = shape("patch_embed.proj.weight", 4);
  engine::check(patch[2] == patch[3], "patch_embed.proj.weight: patches must be square, not", patch);
  c.width = patch[0], c.channels = patch[1], c.patch = patch[2];
  const Shape positions = shape("pos_embed", 3);
  engine::check(positions[0] == 1 && positions[2] == c.width, "pos_embed:", positions,
                "should be [1, patches + 1, width], the width being", c.width);
  const Index patches = positions[1] - 1;
  const Index grid = static_cast<Index>(std::lround(std::sqrt(static_cast<double>(patches))));
  engine::check(patches > 0 && grid * grid == patches, "pos_embed:", positions,
                "is not a class token and a square grid of patches");
  c.image_size = grid * c.patch;
  shape("blocks.0.attn.qkv.weight", 2);
  // The highest index decides, so that load_state names what is missing in a block before it.
  Index last = 0;
  for (const auto& [name, any] : shapes) {
    const engine::Role role = engine::role_of(name);
    if (!role.inside.empty()) last = std::max(last, role.block);
  }
  engine::check(last < static_cast<Index>(shapes.size()), "there is a block", last, "but only", shapes.size(),
                "tensors");
  c.depth = last + 1;
  c.hidden = shape("blocks.0.mlp.fc1.weight", 2)[0];
  c.qkv_bias = shapes.contains("blocks.0.attn.qkv.bias");
  c.heads = heads.value_or(std::max<Index>(1, c.width / 64));
  c.classes = shapes.contains("head.weight") ? shape("head.weight", 2)[0] : 0;
  VitConfig with_head = c;
  with_head.classes = std::max<Index>(c.classes, 1);
  check_config(with_head);
  check_file_fills(with_head, shapes);
  return c;
}

}  // namespace models
