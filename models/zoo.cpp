#include "models/zoo.h"

#include <algorithm>
#include <string_view>

#include "engine/base/text.h"
#include "models/families.h"

namespace models {

namespace {

using engine::Activation;
using engine::Norm;

constexpr Architecture kArchitectures[] = {
#define ARCHITECTURE(...) {__VA_ARGS__},
#include "models/architectures.def"
#undef ARCHITECTURE
    // Of tools/demo, not timm's.
    {"vit_demo_patch4_28",
     302666,
     "",
     {.image_height = 28, .image_width = 28, .patch = 4, .width = 64, .depth = 6, .heads = 4, .hidden = 256}},
};

/// torchvision's models, which have no config: vit_b_16, vit_b_32, vit_l_16, vit_l_32, vit_h_14.
constexpr struct { Index width, heads; } kTorchvision[] = {{768, 12}, {1024, 16}, {1280, 16}};

}  // namespace

std::span<const Architecture> known_architectures() {
  return kArchitectures;
}

const Architecture* find_architecture(std::string_view name) {
  const auto* const found = std::ranges::find(kArchitectures, name, &Architecture::name);
  return found == std::end(kArchitectures) ? nullptr : found;
}

void check_can_be_made(const Architecture& a) {
  engine::check(!*a.beyond, "architecture '" + std::string(a.name) + "' has", std::string(a.beyond) + ",",
                "which is not implemented; implemented are:", engine::join(implemented_families(), ", "));
}

std::vector<std::string> architecture_names() {
  std::vector<std::string> names;
  for (const Architecture& a : kArchitectures)
    if (!*a.beyond) names.emplace_back(a.name);
  return names;
}

VitConfig architecture(const std::string& name) {
  const Architecture* const a = find_architecture(name);
  engine::check(a != nullptr,
                "unknown architecture '" + name + "'" + engine::did_you_mean(name, architecture_names()));
  check_can_be_made(*a);
  return a->config;
}

std::string architecture_name(const VitConfig& config) {
  VitConfig c = config;
  std::string_view shortest;  // deit_tiny_patch16_224 is a vit_tiny_patch16_224
  for (const Architecture& a : kArchitectures) {
    // What a name does not decide: the classes, and an eps that another library has.
    c.classes = a.config.classes, c.norm_eps = a.config.norm_eps;
    if (!*a.beyond && c == a.config &&
        (shortest.empty() || std::string_view(a.name).size() < shortest.size()))
      shortest = a.name;
  }
  if (!shortest.empty()) return std::string(shortest);
  const std::string size = std::to_string(c.image_height) +
                           (c.image_width == c.image_height ? "" : "x" + std::to_string(c.image_width));
  return "vit_" + std::to_string(c.width) + "w_" + std::to_string(c.depth) + "d_patch" +
         std::to_string(c.patch) + "_" + size;
}

Facts facts_of(const VitConfig& c) {
  return {.heads = c.heads,
          .pool_heads = c.pool_heads,
          .norm_eps = c.norm_eps,
          .activation = c.activation,
          .pooling = c.pooling,
          .rope = c.rope,
          .image_height = c.image_height,
          .image_width = c.image_width,
          .resampling = c.resampling,
          .distillation_head = c.distillation_head,
          .pooled_norm = c.fc_norm && !c.final_norm,
          .positions = c.positions};
}

bool same_parts(const VitConfig& a, const VitConfig& b) {
  const auto parts = [](VitConfig c) {
    const VitConfig plain;
    c.image_height = plain.image_height, c.image_width = plain.image_width, c.patch = plain.patch;
    c.channels = plain.channels, c.width = plain.width, c.depth = plain.depth, c.heads = plain.heads;
    c.hidden = plain.hidden, c.classes = plain.classes, c.norm_eps = plain.norm_eps;
    c.pool_heads = plain.pool_heads, c.pool_hidden = plain.pool_hidden;
    c.activation = plain.activation, c.rope = plain.rope, c.resampling = plain.resampling;
    return c;
  };
  return parts(a) == parts(b);
}

Index usual_heads(const VitConfig& config, bool torchvision) {
  constexpr Index kHeadWidth = 64;
  const Index width = config.width;
  if (torchvision) {
    for (const auto& [w, heads] : kTorchvision)
      if (w == width) return heads;
  } else {
    for (const Architecture& a : kArchitectures) {
      engine::check(a.config.width != width || a.config.heads * kHeadWidth == width || *a.beyond ||
                        !same_parts(a.config, config),
                    "nothing states the number of heads, and", a.name, "of this width,",
                    std::to_string(width) + ", has", a.config.heads,
                    "which is not width / 64; num_attention_heads in config.json states it");
    }
  }
  engine::check(width > 0 && width % kHeadWidth == 0, "nothing states the number of heads, and a width of",
                width,
                "is no multiple of the usual 64 of a head; num_attention_heads in config.json states it");
  return width / kHeadWidth;
}

}  // namespace models
