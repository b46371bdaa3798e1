#include "tools/training/depth.h"

#include <gtest/gtest.h>

#include "peft/methods.h"
#include "tests/support/compare.h"
#include "tests/support/gradcheck.h"

namespace training {
namespace {

models::Vit small() {
  models::VitConfig c;
  c.image_height = c.image_width = 8, c.patch = 4, c.width = 8, c.depth = 4, c.heads = 2, c.hidden = 12,
  c.classes = 3;
  models::Vit model(c);
  models::initialize(model, 5);
  return model;
}

TEST(Depth, decays_the_rate_from_the_head_to_the_embeddings) {
  // As timm's param_groups_layer_decay: the head and the norm before it 1, then one factor a block.
  EXPECT_EQ(depth_rate("head.weight", 4, 0.5), 1);
  EXPECT_EQ(depth_rate("norm.bias", 4, 0.5), 1);
  EXPECT_EQ(depth_rate("blocks.3.mlp.fc1.weight", 4, 0.5), 0.5);
  EXPECT_EQ(depth_rate("blocks.0.attn.qkv.lora.a", 4, 0.5), 0.0625);
  for (const char* name : {"pos_embed", "cls_token", "patch_embed.proj.weight"})
    EXPECT_EQ(depth_rate(name, 4, 0.5), 0.03125) << name;
}

TEST(Depth, freezes_the_embeddings_and_the_first_blocks_whatever_the_method) {
  models::Vit model = small();
  TrainConfig options;
  options.freeze_blocks = 2;
  peft::make_method("full", {})->prepare(model, {});
  apply_depth(model, options);
  for (const auto& [name, parameter] : engine::parameters(model)) {
    const bool free = name.starts_with("blocks.2") || name.starts_with("blocks.3") ||
                      name.starts_with("norm.") || name.starts_with("head.");
    EXPECT_EQ(parameter.trains().any(), free) << name;
  }
}

TEST(Depth, gives_the_last_blocks_new_numbers_and_trains_them_whole) {
  models::Vit model = small(), before = small();
  TrainConfig options;
  options.reinit_blocks = 1, options.model.seed = 9;
  reinitialize_blocks(model, options);
  peft::make_method("linear", {})->prepare(model, {});
  apply_depth(model, options);
  const auto old = engine::parameters(before);
  auto then = old.begin();
  for (const auto& [name, parameter] : engine::parameters(model)) {
    const bool last = name.starts_with("blocks.3."), matrix = parameter.value().shape().rank() > 1;
    EXPECT_EQ(parameter.trains().whole(), last || name.starts_with("head.")) << name;
    EXPECT_EQ(static_cast<bool>(support::same_bits(parameter.value(), then->parameter.value())),
              !(last && matrix))
        << name;
    ++then;
  }
}

TEST(Depth, refuses_more_blocks_than_there_are) {
  const models::Vit model = small();
  TrainConfig options;
  options.freeze_blocks = 3, options.reinit_blocks = 2;
  EXPECT_EQ(support::error_of([&] { check_depth(model, options); }),
            "--freeze-blocks 3 and --reinit-blocks 2 are more than the 4 blocks of the model");
  options.freeze_blocks = 2;
  EXPECT_NO_THROW(check_depth(model, options));
}

}  // namespace
}  // namespace training
