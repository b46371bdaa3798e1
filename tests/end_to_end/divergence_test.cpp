#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/end_to_end/garden.h"

namespace end_to_end {
namespace {

using ::testing::HasSubstr;

/// A model whose loss is finite and whose gradient is not: the class token is the same in every channel, so
/// that the last norm forgets it and its huge weight, but the gradient goes through that weight.
void write_steep_model(const Garden& garden) {
  engine::NamedTensors state = small_state();
  const auto set = [&](const std::string& name, float value) {
    std::ranges::fill(tensor_of(state, name).data<float>(), value);
  };
  set("cls_token", 1);
  set("pos_embed", 0);
  for (const char* block : {"blocks.0.", "blocks.1."}) {
    for (const char* layer : {"attn.proj.", "mlp.fc2."}) {
      set(std::string(block) + layer + "weight", 0);
      set(std::string(block) + layer + "bias", 0);
    }
  }
  set("norm.weight", 1e38f);
  for (float& w : tensor_of(state, "head.weight").data<float>()) w *= 1e6f;
  write_model(garden.model(), state);
}

TEST(Gradient, that_is_not_finite_is_reported_with_tensor_step_and_images) {
  const Garden garden;
  write_steep_model(garden);
  const Words words = Words{"tune"} + garden.job("full") +
                      Words{"--steps", "2", "--head", "new", "--out", garden.run_folder()};
  const std::string error = run(words).error(1);
  EXPECT_THAT(error, HasSubstr("the gradient of "));
  EXPECT_THAT(error, HasSubstr("of step 0"));
  EXPECT_THAT(error, HasSubstr(".ppm"));
}

TEST(Loss, that_is_not_finite_is_reported_before_a_choice_is_made_by_its_gradients) {
  const Garden garden;
  engine::NamedTensors state = small_state();
  for (const char* name : {"norm.weight", "norm.bias"})
    std::ranges::fill(tensor_of(state, name).data<float>(), 3e38f);
  write_model(garden.model(), state);
  const Words words =
      Words{"tune"} + garden.job("spiel") +
      Words{"--period", "2", "--grow-batches", "2", "--steps", "4", "--out", garden.run_folder()};
  const std::string error = run(words).error(1);
  EXPECT_THAT(error, HasSubstr("the loss of step 0"));
  EXPECT_THAT(error, HasSubstr(".ppm"));
}

TEST(Loss, that_is_not_finite_where_the_method_chose_again_leaves_a_checkpoint_to_go_on_from) {
  // SaRA chooses again in step 1, when step 0 has made the head too large and moved some weights of the
  // blocks.
  const Garden garden;
  const Words words = Words{"tune"} + garden.job("sara") +
                      Words{"--steps",     "2",   "--save-every",  "1",     "--lr",  "3e37",
                            "--threshold", "0.3", "--layer-decay", "3e-39", "--out", garden.run_folder()};
  EXPECT_THAT(run(words).error(1), HasSubstr("the loss of step 1"));
  EXPECT_THAT(run(words + Words{"--resume"}).error(1), HasSubstr("the loss of step 1"));
}

TEST(Score, that_is_not_finite_is_reported_with_tensor_batch_and_images) {
  const Garden garden;
  write_steep_model(garden);
  const Words words = Words{"tune"} + garden.job("grft") +
                      Words{"--score", "ce", "--steps", "2", "--out", garden.run_folder()};
  const std::string error = run(words).error(1);
  EXPECT_THAT(error, HasSubstr("scoring: the gradient of "));
  EXPECT_THAT(error, HasSubstr("after batch 0"));
  EXPECT_THAT(error, HasSubstr(".ppm"));
}

TEST(Weights, that_a_step_has_spoilt_leave_the_last_good_checkpoint) {
  const Garden garden;
  const fs::path out = garden.run_folder();
  const Words words =
      Words{"tune"} + garden.job("full") +
      Words{"--steps", "5", "--save-every", "1", "--optimizer", "sgd", "--lr", "1e38", "--out", out};
  const std::string error = run(words).error(1);
  EXPECT_THAT(error, HasSubstr("step"));
  EXPECT_THAT(error, HasSubstr("checkpoint.safetensors"));
  EXPECT_TRUE(fs::exists(out / "checkpoint.safetensors"));
}

}  // namespace
}  // namespace end_to_end
