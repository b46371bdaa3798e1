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

constexpr Architecture kArchitectures[] = {
#define ARCHITECTURE(...) {__VA_ARGS__},
#include "models/architectures.def"
#undef ARCHITECTURE
    // Of tools/demo, not timm's.
    {"vit_demo_patch4_28", 28, 4, 64, 6, 4, 256, true, 1e-6, "token", "gelu", ""},
};

/// torchvision's models, which have no config: vit_b_16, vit_b_32, vit_l_16, vit_l_32, vit_h_14.
constexpr struct { Index width, heads; } kTorchvision[] = {{768, 12}, {1024, 16}, {1280, 16}};

/// Why a model of this architecture cannot be made, or nothing.
std::string missing_for(const Architecture& a) {
  std::vector<std::string> lacking;
  if (*a.beyond) lacking.emplace_back(a.beyond);
  if (std::string_view(a.pooling) != kPooling) lacking.push_back("pooling '" + std::string(a.pooling) + "'");
  if (std::string_view(a.activation) != kActivation)
    lacking.push_back("activation '" + std::string(a.activation) + "'");
  return engine::join(lacking, ", ");
}

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

std::span<const Architecture> known_architectures() {
  return kArchitectures;
}

const Architecture* find_architecture(std::string_view name) {
  const auto* const found = std::ranges::find(kArchitectures, name, &Architecture::name);
  return found == std::end(kArchitectures) ? nullptr : found;
}

void check_can_be_made(const Architecture& a) {
  const std::string missing = missing_for(a);
  engine::check(missing.empty(), "architecture '" + std::string(a.name) + "' has", missing + ",",
                "which this engine does not compute");
}

std::vector<std::string> architecture_names() {
  std::vector<std::string> names;
  for (const Architecture& a : kArchitectures)
    if (missing_for(a).empty()) names.emplace_back(a.name);
  return names;
}

VitConfig architecture(const std::string& name) {
  const Architecture* const a = find_architecture(name);
  engine::check(a != nullptr,
                "unknown architecture '" + name + "'" + engine::did_you_mean(name, architecture_names()));
  check_can_be_made(*a);
  VitConfig config;
  config.image_size = a->image_size, config.patch = a->patch;
  config.width = a->width, config.depth = a->depth, config.heads = a->heads, config.hidden = a->hidden;
  config.qkv_bias = a->qkv_bias, config.norm_eps = a->norm_eps;
  return config;
}

std::string architecture_name(const VitConfig& c) {
  std::string_view shortest;  // deit_tiny_patch16_224 is a vit_tiny_patch16_224
  for (const Architecture& a : kArchitectures) {
    const bool same = c.image_size == a.image_size && c.patch == a.patch && c.width == a.width &&
                      c.depth == a.depth && c.heads == a.heads && c.hidden == a.hidden &&
                      c.qkv_bias == a.qkv_bias && c.channels == 3 && missing_for(a).empty();
    if (same && (shortest.empty() || std::string_view(a.name).size() < shortest.size())) shortest = a.name;
  }
  if (!shortest.empty()) return std::string(shortest);
  return "vit_" + std::to_string(c.width) + "w_" + std::to_string(c.depth) + "d_patch" +
         std::to_string(c.patch) + "_" + std::to_string(c.image_size);
}

Index usual_heads(Index width, bool torchvision) {
  constexpr Index kHeadWidth = 64;
  if (torchvision) {
    for (const auto& [w, heads] : kTorchvision)
      if (w == width) return heads;
  } else {
    for (const Architecture& a : kArchitectures) {
      engine::check(a.width != width || a.heads * kHeadWidth == width || !missing_for(a).empty(),
                    "nothing states the number of heads, and", a.name, "of this width,",
                    std::to_string(width) + ", has", a.heads,
                    "which is not width / 64; num_attention_heads in config.json states it");
    }
  }
  engine::check(width > 0 && width % kHeadWidth == 0, "nothing states the number of heads, and a width of",
                width,
                "is no multiple of the usual 64 of a head; num_attention_heads in config.json states it");
  return width / kHeadWidth;
}

VitConfig config_from_shapes(const std::map<std::string, Shape>& shapes, std::optional<Index> heads,
                             bool torchvision) {
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
  c.heads = heads ? *heads : usual_heads(c.width, torchvision);
  c.classes = shapes.contains("head.weight") ? shape("head.weight", 2)[0] : 0;
  VitConfig with_head = c;
  with_head.classes = std::max<Index>(c.classes, 1);
  check_config(with_head);
  check_file_fills(with_head, shapes);
  return c;
}

}  // namespace models
