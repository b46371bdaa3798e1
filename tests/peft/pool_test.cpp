// What a method chooses from: --targets within the layers that it is limited to.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/kernels/gemm.h"
#include "peft/selection/score.h"
#include "peft/target.h"
#include "tests/peft/small.h"

namespace {

using engine::Index;
using engine::LayerRange;
using engine::NamedParameter;
using engine::Selection;
using models::Vit;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr LayerRange kMiddle{2, 2};  // the second of three blocks

std::vector<std::string> names_of(const std::vector<NamedParameter>& all) {
  std::vector<std::string> names;
  for (const NamedParameter& p : all) names.push_back(p.name);
  return names;
}

TEST(LayerRange, has_both_ends_and_the_head) {
  EXPECT_TRUE(LayerRange().contains("cls_token", 3));
  EXPECT_TRUE(LayerRange().contains("norm.weight", 3));
  const LayerRange upper{2, 3};
  for (const char* in : {"blocks.1.attn.qkv.weight", "blocks.2.mlp.fc1.bias", "head.weight"})
    EXPECT_TRUE(upper.contains(in, 3)) << in;
  for (const char* out : {"pos_embed", "blocks.0.attn.qkv.weight", "norm.weight", "attn_pool.kv.weight"})
    EXPECT_FALSE(upper.contains(out, 3)) << out;
}

TEST(Pool, is_what_targets_and_layers_have_in_common) {
  Vit model = small::model(small::deep());
  const auto grft = small::method("grft", {{"targets", "blocks.*.mlp.fc1.weight,patch_embed.proj.weight"}});
  grft->limit_to({0, 1});
  EXPECT_THAT(names_of(grft->pool(model)), ElementsAre("patch_embed.proj.weight", "blocks.0.mlp.fc1.weight"));
  grft->limit_to(kMiddle);
  EXPECT_THAT(names_of(grft->pool(model)), ElementsAre("blocks.1.mlp.fc1.weight"));
  grft->limit_to({4, 4});
  EXPECT_THAT(grft->pool(model), IsEmpty());
}

/// Every method that chooses, on the second of three blocks.
TEST(Pool, is_all_that_a_method_chooses_scores_and_moves) {
  int methods = 0;
  for (const peft::MethodInfo& info : peft::methods()) {
    SCOPED_TRACE(info.name);
    Vit model = small::model(small::deep());
    const auto method = small::method(info.name, {{"blocks", "1"}, {"budget", "1"}, {"threshold", "10"}});
    EXPECT_EQ(method->traits().chooses, !method->pool(model).empty());
    if (!method->traits().chooses) continue;
    ++methods;
    method->limit_to(kMiddle);
    const peft::NextLoss plain = small::losses(model, *method);
    const auto only_the_block_has_gradients = [&](Index, const std::vector<NamedParameter>&) {
      for (const NamedParameter& p : engine::parameters(model)) {
        if (!p.name.starts_with("blocks.1.")) {
          EXPECT_FALSE(p.parameter.grad().defined()) << p.name;
        }
      }
      return false;
    };
    method->prepare(model, {[&] { return plain(); }, [&] { return plain.again(); }, plain.batches(),
                            only_the_block_has_gradients});
    for (const peft::Choice& choice : method->choices())
      EXPECT_TRUE(choice.parameter.starts_with("blocks.1.")) << choice.parameter;
    const auto adam = engine::make_adam(engine::parameters(model), {});
    for (int i = 0; i < small::kSteps; ++i) {
      small::begin_step(model, *method, *adam, i);
      for (const NamedParameter& p : engine::parameters(model))  // as the loop holds all else
        if (!kMiddle.contains(p.name, 3) && p.parameter.trains().any()) p.parameter.freeze();
      engine::backward(small::loss(model, i));
      method->regularize(engine::parameters(model));
      adam->step(0.01);
    }
    bool some = false;
    for (const auto& [name, part] : method->moved(model)) {
      EXPECT_TRUE(kMiddle.contains(name, 3)) << name;
      some = some || (name.starts_with("blocks.1.") && part.any());
    }
    EXPECT_TRUE(some);
  }
  EXPECT_GE(methods, 15);
}

/// The share of all that can be chosen, in methods that rank all of it together.
TEST(Pool, is_what_a_share_refers_to) {
  Vit model = small::model(small::deep());
  const auto spt = small::method("spt", {{"rate", "0.02"}, {"matrix", "1e-6"}, {"vector", "1e-6"}});
  const auto lt_sft = small::method("lt-sft", {{"rate", "0.02"}});
  for (peft::Method* method : {spt.get(), lt_sft.get()}) {
    method->limit_to(kMiddle);
    Index elements = 0, chosen = 0;
    for (const NamedParameter& p : method->pool(model)) elements += p.parameter.value().numel();
    small::tune(model, *method);
    for (const auto& [name, part] : peft::trained_parts(model))
      if (name.starts_with("blocks.1.")) chosen += static_cast<Index>(part.indices().size());
    EXPECT_NEAR(static_cast<double>(chosen), 0.02 * static_cast<double>(elements), 1);
  }
}

/// Multiply-adds of the backward pass of one batch that scores this block alone.
Index backward_multiply_adds(const models::VitConfig& config, Index block, const char* recompute) {
  Vit model = small::model(config);
  model.recompute(models::recompute_named(recompute));
  const std::vector<NamedParameter> targets = peft::find_targets(model, {}, {block, block});
  EXPECT_EQ(targets.size(), 4u);
  Index before_backward = 0, after = 0;
  bool drawn = false;
  peft::accumulate_gradients(model, targets, {[&]() -> engine::Tensor {
                               if (std::exchange(drawn, true)) {
                                 after = engine::kernels::multiply_adds();
                                 return {};
                               }
                               engine::Tensor loss = small::loss(model, 0);
                               before_backward = engine::kernels::multiply_adds();
                               return loss;
                             }});
  return after - before_backward;
}

TEST(Pool, ends_the_backward_pass_of_scoring_at_its_lowest_block) {
  models::VitConfig shallow = small::deep(), deep = small::deep();
  shallow.depth = 1, deep.depth = 4;
  for (const char* recompute : {"none", "blocks"}) {
    SCOPED_TRACE(recompute);
    EXPECT_EQ(backward_multiply_adds(deep, 4, recompute), backward_multiply_adds(shallow, 1, recompute));
    EXPECT_GT(backward_multiply_adds(deep, 3, recompute), backward_multiply_adds(deep, 4, recompute));
  }
}

}  // namespace
