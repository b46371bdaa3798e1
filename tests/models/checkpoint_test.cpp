#include <gtest/gtest.h>

#include <cmath>

#include "engine/autograd/backward.h"
#include "engine/ops/loss.h"
#include "models/zoo.h"
#include "tests/support/compare.h"
#include "tests/support/golden_vit.h"
#include "tests/support/paths.h"

namespace {

using engine::Safetensors;
using engine::Tensor;
using models::Vit;

/// A real checkpoint beside the project, and what PyTorch computes with it.
class RealCheckpoint : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(checkpoint) || !std::filesystem::exists(golden))
      GTEST_SKIP() << "needs " << checkpoint << " and " << golden
                   << "; ESPALIER_SHARED names the folder that has them";
  }
  /// The model as the shapes in the file tell it.
  static Vit load(const Safetensors& file) {
    std::map<std::string, engine::Shape> shapes;
    for (const engine::SafetensorsEntry& entry : file.entries()) shapes.emplace(entry.name, entry.shape());
    Vit model(models::config_from_shapes(shapes, {}));
    support::load_named(model, file);
    return model;
  }

  const std::filesystem::path checkpoint =
      support::shared_dir() / "models" / GetParam() / "model.safetensors";
  const std::filesystem::path golden =
      support::shared_dir() / "golden" / (std::string(GetParam()) + ".golden.safetensors");
};

double norm(const Tensor& t) {
  double squares = 0;
  for (double x : support::doubles(t)) squares += x * x;
  return std::sqrt(squares);
}

TEST_P(RealCheckpoint, has_the_names_and_shapes_of_the_model) {
  const Safetensors file(checkpoint);
  Vit model = load(file);
  EXPECT_EQ(file.entries().size(), 152u);
  EXPECT_EQ(engine::parameters(model).size(), 152u);
  EXPECT_EQ(models::architecture_name(model.config()), "vit_tiny_patch16_224");
}

TEST_P(RealCheckpoint, gives_pytorchs_features_logits_loss_and_gradients) {
  const Safetensors file(checkpoint), expected(golden);
  Vit model = load(file);
  const Tensor input = expected.read("input");
  {
    const engine::NoGrad evaluation;
    EXPECT_TRUE(support::near(model.features(input), expected.read("features"), 1e-4));
  }
  const Tensor logits = model(input);
  EXPECT_TRUE(support::near(logits, expected.read("logits"), 1e-4));
  const Tensor loss = engine::cross_entropy(logits, engine::one_hot(support::labels_of(expected), 1000));
  EXPECT_TRUE(support::near(loss, expected.read("loss"), 1e-5));

  engine::backward(loss);
  for (const auto& [name, parameter] : engine::parameters(model)) {
    const double stored = expected.read("grad_norm." + name).item();
    EXPECT_NEAR(norm(parameter.grad()), stored, 1e-3 * stored) << name;
    if (expected.contains("grad." + name)) {
      EXPECT_TRUE(support::near(parameter.grad(), expected.read("grad." + name), 1e-4)) << name;
    }
  }
}

std::string short_name(const ::testing::TestParamInfo<const char*>& checkpoint) {
  const std::string name = checkpoint.param;
  return name.substr(0, name.find('_'));
}
INSTANTIATE_TEST_SUITE_P(, RealCheckpoint,
                         ::testing::Values("vit_tiny_patch16_224.augreg_in21k_ft_in1k",
                                           "deit_tiny_patch16_224.fb_in1k"),
                         short_name);

}  // namespace
