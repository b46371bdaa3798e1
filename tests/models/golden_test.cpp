#include <gtest/gtest.h>

#include "engine/autograd/backward.h"
#include "engine/ops/ops.h"
#include "tests/support/compare.h"
#include "tests/support/golden_vit.h"
#include "tests/support/paths.h"

namespace {

using engine::Dtype;
using engine::Index;
using engine::Safetensors;
using engine::Tensor;
using models::Vit;
using support::near;

struct Case {
  const char* file;
  Dtype dtype;
  double tolerance;  ///< relative to the largest value of a tensor
};

void PrintTo(const Case& c, std::ostream* out) {
  *out << c.file << " in " << c.dtype;
}

/// A small model against what PyTorch computed in float64 from the same F32 weights.
class GoldenVit : public ::testing::TestWithParam<Case> {
 protected:
  Tensor read(const std::string& name) const { return file.read_as(name, GetParam().dtype); }
  /// No further from the stored tensor than the tolerance.
  ::testing::AssertionResult matches(const Tensor& actual, const std::string& name) const {
    return near(actual, file.read(name), GetParam().tolerance);
  }
  /// Every gradient against `<prefix><parameter>`; parameters the file does not mention must have none.
  /// A key bias has no influence, so its gradient is compared with the largest of the whole qkv.bias.
  void expect_gradients(const std::string& prefix) {
    Index compared = 0;
    for (const auto& [name, parameter] : engine::parameters(model)) {
      if (!file.contains(prefix + name)) {
        EXPECT_FALSE(parameter.grad().defined()) << name;
        continue;
      }
      EXPECT_TRUE(matches(parameter.grad(), prefix + name)) << prefix << name;
      ++compared;
    }
    Index stored = 0;
    for (const std::string& name : file.names()) stored += name.starts_with(prefix);
    EXPECT_EQ(compared, stored);
    EXPECT_GT(compared, 20);
  }
  /// d(loss)/d(x) of a loss of `x` alone: `x` becomes a parameter.
  template <class Loss>
  void expect_loss(const Tensor& x, const std::string& name, const std::string& gradient, Loss loss_of) {
    const engine::Parameter leaf(x.clone());
    const Tensor loss = loss_of(Tensor(leaf));
    EXPECT_TRUE(matches(loss, name)) << name;
    engine::backward(loss);
    EXPECT_TRUE(matches(leaf.grad(), gradient)) << gradient;
  }

  const Safetensors file{support::golden(GetParam().file)};
  Vit model = support::golden_vit(file, GetParam().dtype);
  const std::vector<Index> labels = support::labels_of(file);
  const Index classes = model.config().classes;
};

TEST_P(GoldenVit, gives_pytorchs_features_and_logits) {
  EXPECT_TRUE(matches(model.features(read("input")), "features"));
  EXPECT_TRUE(matches(model(read("input")), "logits"));
}

TEST_P(GoldenVit, gives_pytorchs_classification_losses_and_their_gradients) {
  const Dtype dtype = GetParam().dtype;
  const auto cross_entropy_with = [](const Tensor& targets) {
    return [targets](const Tensor& x) { return engine::cross_entropy(x, targets); };
  };
  const Tensor logits = read("logits");
  expect_loss(logits, "loss", "loss.logits_grad",
              cross_entropy_with(engine::one_hot(labels, classes, 0, dtype)));
  expect_loss(logits, "loss_smooth", "loss_smooth.logits_grad",
              cross_entropy_with(engine::one_hot(labels, classes, 0.1, dtype)));
  expect_loss(logits, "loss_soft", "loss_soft.logits_grad", cross_entropy_with(read("soft_targets")));
}

TEST_P(GoldenVit, gives_pytorchs_contrastive_losses_and_their_gradients) {
  const auto contrast = [](std::vector<Index> of_rows) {
    return [of_rows](const Tensor& x) { return engine::sup_con(engine::normalize_rows(x), of_rows, 0.07); };
  };
  expect_loss(read("features"), "supcon", "supcon.features_grad", contrast({0, 1, 0, 1}));
  expect_loss(read("features"), "supcon_same", "supcon_same.features_grad", contrast({1, 1, 1, 1}));
}

TEST_P(GoldenVit, gives_pytorchs_gradient_of_every_parameter) {
  const Tensor targets = engine::one_hot(labels, classes, 0, GetParam().dtype);
  engine::backward(engine::cross_entropy(model(read("input")), targets));
  expect_gradients("grad.");
}

TEST_P(GoldenVit, gives_pytorchs_contrastive_gradient_of_every_parameter_but_the_heads) {
  const Tensor features = engine::normalize_rows(model.features(read("input")));
  engine::backward(engine::sup_con(features, std::vector<Index>{0, 1, 0, 1}, 0.07));
  expect_gradients("supcon_grad.");
}

std::string name_of(const ::testing::TestParamInfo<Case>& c) {
  return std::string(c.param.file).substr(0, 5) + (c.param.dtype == Dtype::f64 ? "_f64" : "_f32");
}
INSTANTIATE_TEST_SUITE_P(, GoldenVit,
                         ::testing::Values(Case{"vit_a.safetensors", Dtype::f64, 1e-9},
                                           Case{"vit_a.safetensors", Dtype::f32, 1e-4},
                                           Case{"vit_b.safetensors", Dtype::f64, 1e-9},
                                           Case{"vit_b.safetensors", Dtype::f32, 1e-4}),
                         name_of);

}  // namespace
