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

std::string refusal(TrainConfig config, const std::string& method = "grft") {
  models::Vit model = small();
  config.method = method;
  return support::error_of([&] { check_method(*make_method(config), model, config); });
}

TEST(Depth, refuses_more_blocks_than_there_are) {
  TrainConfig options;
  options.freeze_blocks = 3, options.reinit_blocks = 2;
  EXPECT_EQ(refusal(options),
            "--freeze-blocks 3 and --reinit-blocks 2 are more than the 4 blocks of the model");
  options.freeze_blocks = 2;
  EXPECT_EQ(refusal(options), "nothing was thrown");
  options.select_blocks = "3-5";
  EXPECT_EQ(refusal(options), "--select-blocks 3-5 is more than the 4 blocks of the model");
}

TEST(Depth, takes_blocks_counted_from_1_in_one_spelling) {
  TrainConfig options;
  EXPECT_EQ(options.layers(), engine::LayerRange());
  options.freeze_blocks = 3;
  EXPECT_EQ(options.layers().first, 4);
  options.select_blocks = "2-4";
  EXPECT_EQ(options.layers(), (engine::LayerRange{4, 4}));
  options.freeze_blocks = 0;
  EXPECT_EQ(options.layers(), (engine::LayerRange{2, 4}));
  for (const char* wrong :
       {"2", "-", "0-2", "3-2", "2-", "-2", "02-4", "2-4 ", "2-4-5", "a-b", "1-99999999999999999999"}) {
    options.select_blocks = wrong;
    EXPECT_EQ(support::error_of([&] { options.layers(); }),
              "--select-blocks takes A-B, the first and the last of the blocks, counted from 1, not '" +
                  std::string(wrong) + "'");
  }
}

TEST(Depth, refuses_options_that_leave_nothing_to_choose_from_by_their_names) {
  TrainConfig options;
  options.freeze_blocks = 2, options.select_blocks = "1-2";
  EXPECT_EQ(support::error_of([&] { options.layers(); }),
            "--freeze-blocks 2 and --select-blocks 1-2 leave nothing to choose from: all of these blocks are "
            "frozen");
  options.freeze_blocks = 0;
  options.method_options = {{"targets", "blocks.3.*"}};
  EXPECT_EQ(refusal(options), "--select-blocks 1-2 and --targets blocks.3.* leave nothing to choose from");
  EXPECT_EQ(refusal(options, "sara"),
            "--select-blocks 1-2 and --targets blocks.3.* leave nothing to choose from");
}

TEST(Depth, says_what_is_chosen_from) {
  models::Vit model = small();
  TrainConfig options;
  const auto pool = [&] { return describe_pool(*make_method(options), model, options); };
  EXPECT_EQ(pool(), "");
  options.freeze_blocks = 1;
  EXPECT_EQ(pool(), "chosen from 12 of 17 matrices: blocks 2 to 4");
  options.select_blocks = "2-2";
  EXPECT_EQ(pool(), "chosen from 4 of 17 matrices: block 2");
  options.freeze_blocks = 0, options.select_blocks = "";
  options.method_options = {{"targets", "patch_embed.*,blocks.0.*,blocks.2.*,norm.weight"}};
  EXPECT_EQ(pool(),
            "chosen from 27 of 54 parameters: the embeddings, blocks 1, 3, what is behind the blocks");
  options.method = "bitfit", options.method_options = {}, options.freeze_blocks = 1;
  EXPECT_EQ(pool(), "");
}

TEST(Depth, freezes_what_is_outside_the_selected_blocks_too) {
  models::Vit model = small();
  TrainConfig options;
  options.method = "gps", options.select_blocks = "2-3";  // with every bias
  const auto method = make_method(options);
  method->prepare(model, {});
  apply_depth(model, options);
  for (const auto& [name, parameter] : engine::parameters(model)) {
    const bool in = name.starts_with("blocks.1.") || name.starts_with("blocks.2.");
    EXPECT_EQ(parameter.trains().any(),
              (in && name.find("norm") == std::string::npos) || name.starts_with("head."))
        << name;
  }
}

}  // namespace
}  // namespace training
