#include <algorithm>
#include <array>
#include <cmath>

#include "engine/nn/roles.h"
#include "engine/ops/attention.h"
#include "models/zoo.h"

namespace models {

using engine::Shape;

namespace {

/// How many parameters a model has, about: its matrices and tokens. A double, for sizes that make no sense.
double parameters_of(const VitConfig& c) {
  const auto real = [](Index n) { return static_cast<double>(n); };
  const double grid = real(c.image_height) / real(c.patch) * real(c.image_width) / real(c.patch);
  const double width = real(c.width), places = c.positions == Positions::none ? 0 : grid;
  const double patches = real(c.channels) * real(c.patch) * real(c.patch) + places;
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

/// The side of a square of so many, or 0 where there is none.
Index side_of(Index count) {
  if (count <= 0) return 0;
  const Index side = static_cast<Index>(std::lround(std::sqrt(static_cast<double>(count))));
  return side * side == count ? side : 0;
}

/// Reads the parts of a model from the names and shapes of its tensors.
class Reader {
 public:
  Reader(const std::map<std::string, Shape>& shapes, const Facts& facts) : shapes_(shapes), facts_(facts) {}

  VitConfig read(bool torchvision) {
    embedding();
    blocks();
    end();
    c_.pool_heads = facts_.pool_heads.value_or(0);
    c_.norm_eps = facts_.norm_eps.value_or(c_.norm_eps);
    c_.activation = facts_.activation.value_or(c_.activation);
    c_.resampling = facts_.resampling.value_or(c_.resampling);
    if (facts_.rope) c_.rope = *facts_.rope;
    if (has("rope.freqs")) c_.rope.kind = RopeConfig::Kind::mixed;
    grid();
    c_.heads = facts_.heads ? *facts_.heads : usual_heads(c_, torchvision);
    check_config(c_);
    check_file_fills(c_, shapes_);
    return c_;
  }

 private:
  bool has(const std::string& name) const { return shapes_.contains(name); }
  bool in_block(const std::string& name) const { return has("blocks.0." + name); }
  const Shape& shape(const std::string& name, int rank) const {
    const auto found = shapes_.find(name);
    engine::check(found != shapes_.end(), "not a Vision Transformer with timm's names: there is no", name);
    engine::check(found->second.rank() == rank, name, "should have", rank, "axes, not", found->second);
    return found->second;
  }

  void embedding() {
    const Shape& patch = shape("patch_embed.proj.weight", 4);
    engine::check(patch[2] == patch[3], "patch_embed.proj.weight: patches must be square, not", patch);
    c_.width = patch[0], c_.channels = patch[1], c_.patch = patch[2];
    c_.patch_bias = has("patch_embed.proj.bias");
    c_.patch_norm = has("patch_embed.norm.weight");
    c_.class_token = has("cls_token");
    c_.distillation_token = has("dist_token");
    c_.registers = has("reg_token") ? shape("reg_token", 3)[1] : 0;
    c_.norm_pre = has("norm_pre.weight");
  }

  void blocks() {
    // The highest index decides, so that load_state names what is missing in a block before it.
    Index last = 0;
    for (const auto& [name, any] : shapes_) {
      const engine::Role role = engine::role_of(name);
      if (!role.inside.empty()) last = std::max(last, role.block);
    }
    engine::check(last < static_cast<Index>(shapes_.size()), "there is a block", last, "but only",
                  shapes_.size(), "tensors");
    c_.depth = last + 1;
    if (in_block("norm1.weight") && !in_block("norm1.bias")) c_.norm = engine::Norm::Kind::rms;
    if (in_block("attn.q_proj.weight"))
      c_.qkv = QkvForm::split;
    else {
      shape("blocks.0.attn.qkv.weight", 2);
      if (in_block("attn.qkv.q_bias")) c_.qkv = QkvForm::joint_with_query_value_bias;
      if (!in_block("attn.qkv.bias") && !in_block("attn.qkv.q_bias")) c_.qkv = QkvForm::joint_without_bias;
    }
    c_.relative_bias = in_block("attn.relative_position_bias_table");
    c_.attention_norm = in_block("attn.norm.weight");
    c_.proj_bias = in_block("attn.proj.bias");
    c_.layer_scale = in_block("ls1.gamma");
    c_.mlp_bias = in_block("mlp.fc2.bias");
    c_.mlp_norm = in_block("mlp.norm.weight");
    c_.hidden = shape("blocks.0.mlp.fc2.weight", 2)[1];
    if (in_block("mlp.fc1_g.weight"))
      c_.mlp = MlpForm::swiglu_split;
    else if (shape("blocks.0.mlp.fc1.weight", 2)[0] == 2 * c_.hidden)
      c_.mlp = MlpForm::swiglu;
  }

  void end() {
    c_.final_norm = has("norm.weight");
    c_.fc_norm = has("fc_norm.weight");
    c_.classes = has("head.weight") ? shape("head.weight", 2)[0] : 0;
    if (has("attn_pool.mlp.fc1.weight")) {
      const Index hidden = shape("attn_pool.mlp.fc1.weight", 2)[0];
      c_.pool_hidden = hidden == c_.hidden ? 0 : hidden;
    }
    if (facts_.pooling)
      c_.pooling = *facts_.pooling;
    else if (has("attn_pool.latent"))
      c_.pooling = Pooling::attention;
    else if (!c_.class_token || c_.fc_norm)
      c_.pooling = Pooling::average;
    if (c_.classes > 0 && shape("head.weight", 2)[1] == 2 * c_.width) c_.pooling = Pooling::token_and_average;
    // Without a head, each of the two tokens gets one, unless it is stated otherwise.
    c_.distillation_head = c_.classes > 0 ? has("head_dist.weight")
                                          : c_.distillation_token && c_.pooling == Pooling::token &&
                                                facts_.distillation_head.value_or(true);
  }

  void set_grid(Index down, Index across) {
    c_.image_height = down * c_.patch, c_.image_width = across * c_.patch;
    // Pixels beyond the last whole patch are not seen, but they are there.
    if (stated_fits(down * across))
      c_.image_height = *facts_.image_height, c_.image_width = *facts_.image_width;
  }
  /// True when the image size that is stated has so many patches.
  bool stated_fits(Index patches) const {
    if (!facts_.image_height || !facts_.image_width) return false;
    return *facts_.image_height / c_.patch * (*facts_.image_width / c_.patch) == patches;
  }

  /// The image size: by pos_embed or a table of relative positions, and by what is stated.
  void grid() {
    if (has("pos_embed")) {
      grid_of_positions();
    } else if (c_.relative_bias) {
      c_.positions = Positions::none;
      grid_of_relative_positions();
    } else {
      c_.positions = Positions::none;
      engine::check(
          c_.rope.kind != RopeConfig::Kind::none,
          "there is no pos_embed, and nothing states which rotary position embeddings the model has "
          "in its place; the architecture's name in config.json does");
      engine::check(facts_.image_height.has_value() && facts_.image_width.has_value(),
                    "there is no pos_embed, and nothing states the image size; --image-size does");
      set_grid(*facts_.image_height / c_.patch, *facts_.image_width / c_.patch);
    }
  }

  void grid_of_positions() {
    const Shape& positions = shape("pos_embed", 3);
    engine::check(positions[0] == 1 && positions[2] == c_.width, "pos_embed:", positions,
                  "should be [1, tokens, width], the width being", c_.width);
    constexpr std::array choices{Positions::all, Positions::all_but_registers, Positions::patches};
    const auto patches_by = [&](Positions p) {
      c_.positions = p;
      return positions[1] - c_.positioned_prefix();
    };
    const auto fits_size = [&](Positions choice) {
      const Index patches = patches_by(choice);
      if (patches <= 0 || !stated_fits(patches)) return false;
      set_grid(*facts_.image_height / c_.patch, *facts_.image_width / c_.patch);
      return true;
    };
    const auto is_square = [&](Positions choice) {
      const Index side = side_of(patches_by(choice));
      if (side > 0) set_grid(side, side);
      return side > 0;
    };
    if (facts_.positions && std::ranges::find(choices, *facts_.positions) != choices.end() &&
        (fits_size(*facts_.positions) || is_square(*facts_.positions)))
      return;
    if (std::ranges::any_of(choices, fits_size) || std::ranges::any_of(choices, is_square)) return;
    throw engine::Error(engine::say("pos_embed:", positions, "is no square grid of patches with or without",
                                    c_.prefix(), "prefix tokens, and nothing states another image size"));
  }

  void grid_of_relative_positions() {
    const std::string name = "blocks.0.attn.relative_position_bias_table";
    const Index entries = shape(name, 2)[0];
    if (facts_.image_height && facts_.image_width) {
      const Index down = *facts_.image_height / c_.patch, across = *facts_.image_width / c_.patch;
      if (down > 0 && across > 0 && engine::RelativePositions::entries(down, across) == entries)
        return set_grid(down, across);
    }
    const Index side = (side_of(entries - 3) + 1) / 2;
    engine::check(side > 0 && engine::RelativePositions::entries(side, side) == entries, name + ":", entries,
                  "entries are those of no square grid of patches and a class token");
    set_grid(side, side);
  }

  const std::map<std::string, Shape>& shapes_;
  const Facts& facts_;
  VitConfig c_;
};

}  // namespace

VitConfig config_from_shapes(const std::map<std::string, Shape>& shapes, const Facts& facts,
                             bool torchvision) {
  return Reader(shapes, facts).read(torchvision);
}

}  // namespace models
