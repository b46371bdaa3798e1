#include "tools/training/train_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "tools/training/usage_error.h"

namespace training {
namespace {

using ::testing::HasSubstr;

TrainConfig fitting() {
  TrainConfig config;
  config.model.arch = "vit_tiny_patch16_224";
  config.data.data = "images";
  return config;
}

struct WrongValue {
  const char* name;
  std::function<void(TrainConfig&)> set;
  const char* error;
};
void PrintTo(const WrongValue& wrong, std::ostream* out) {
  *out << wrong.name;
}

class WrongTrainConfig : public ::testing::TestWithParam<WrongValue> {};

TEST_P(WrongTrainConfig, is_refused_by_the_name_of_the_field_with_what_would_be_right) {
  TrainConfig config = fitting();
  ASSERT_NO_THROW(config.check());
  GetParam().set(config);
  try {
    config.check();
    FAIL() << "taken";
  } catch (const UsageError& e) {
    EXPECT_THAT(e.what(), HasSubstr(GetParam().error));
  }
}

INSTANTIATE_TEST_SUITE_P(
    , WrongTrainConfig,
    ::testing::Values(
        WrongValue{"no_batch", [](TrainConfig& c) { c.batch_size = 0; },
                   "--batch-size takes 1 or more, not 0"},
        WrongValue{"no_accumulation", [](TrainConfig& c) { c.grad_accum = 0; },
                   "--grad-accum takes 1 or more"},
        WrongValue{"no_epoch", [](TrainConfig& c) { c.epochs = 0; }, "--epochs takes 1 or more"},
        WrongValue{"no_evaluation", [](TrainConfig& c) { c.eval_every = 0; }, "--eval-every takes 1 or more"},
        WrongValue{"optimizer", [](TrainConfig& c) { c.optimizer = "AdamW"; },
                   "--optimizer takes sgd|adam|adamw"},
        WrongValue{"schedule", [](TrainConfig& c) { c.schedule = "Cosine"; },
                   "--schedule takes constant|cosine"},
        WrongValue{"keep", [](TrainConfig& c) { c.keep = "Best"; }, "--keep takes last|best"},
        WrongValue{"head", [](TrainConfig& c) { c.head = "Keep"; }, "--head takes auto|keep|new"},
        WrongValue{"split", [](TrainConfig& c) { c.on = "val"; }, "--on takes train|train+val"},
        WrongValue{"bad_image", [](TrainConfig& c) { c.data.on_bad_image = "Skip"; },
                   "--on-bad-image takes error|skip"},
        WrongValue{"rate", [](TrainConfig& c) { c.lr = -1; }, "--lr takes a number above 0, not -1"},
        WrongValue{"infinite_clip", [](TrainConfig& c) { c.clip = std::numeric_limits<double>::infinity(); },
                   "--clip takes a number of 0 or more, not inf"},
        WrongValue{"whole_ema", [](TrainConfig& c) { c.ema = 1; }, "--ema takes a number in [0, 1), not 1"}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace training
