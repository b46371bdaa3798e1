#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engine/io/json.h"
#include "engine/io/safetensors.h"
#include "tests/peft/small.h"
#include "tests/support/golden_vit.h"
#include "tests/support/paths.h"

namespace {

using engine::Index;
using engine::NamedParameter;
using engine::Safetensors;
using engine::Selection;
using engine::Tensor;
using models::Vit;

/// A row of methods.safetensors and the method that should reproduce it.
struct Case {
  const char* golden;
  const char* method;
  std::map<std::string, std::string> options;
};

void PrintTo(const Case& c, std::ostream* out) {
  *out << c.golden;
}

constexpr Index kBatch = 8;

/// Selection and twenty steps of Adam against PyTorch's, from the same F32 values.
class GoldenMethod : public ::testing::TestWithParam<Case> {
 protected:
  GoldenMethod() { method->prepare(model, scoring_losses()); }

  Tensor images(int batch) const {
    return file.read("images").slice(batch * kBatch, (batch + 1) * kBatch).clone();
  }
  std::vector<Index> labels(int batch) const {
    const std::vector<Index> all = support::labels_of(file);
    return {all.begin() + batch * kBatch, all.begin() + (batch + 1) * kBatch};
  }
  Tensor cross_entropy(int batch) {
    return engine::cross_entropy(model(images(batch)),
                                 engine::one_hot(labels(batch), model.config().classes));
  }
  peft::NextLoss scoring_losses() {
    const peft::Scoring& scoring = *method->scoring();
    return [this, &scoring, batch = 0]() mutable -> Tensor {
      if (batch == (scoring.batches == 1 ? 1 : 2)) return {};
      Tensor loss = scoring.loss == peft::Scoring::Loss::ce
                        ? cross_entropy(batch)
                        : small::contrastive_loss(model, images(batch), labels(batch), scoring.temperature);
      ++batch;
      score_losses.push_back(loss.item());
      return loss;
    };
  }
  Tensor golden(const std::string& name) const { return file.read(GetParam().golden + ("." + name)); }
  bool has(const std::string& name) const { return file.contains(GetParam().golden + ("." + name)); }

  const Safetensors file{support::golden("methods.safetensors")}, base{support::golden("vit_b.safetensors")};
  Vit model = support::golden_vit(base);
  std::unique_ptr<peft::Method> method = peft::make_method(GetParam().method, GetParam().options);
  std::vector<double> score_losses;
};

TEST_P(GoldenMethod, chooses_what_pytorch_chooses) {
  EXPECT_TRUE(support::near(Tensor::of<double>({static_cast<Index>(score_losses.size())}, score_losses),
                            golden("score_loss"), 1e-5));
  Index compared = 0;
  for (const peft::Choice& choice : method->choices()) {
    const Tensor places = golden("selected." + choice.parameter);
    EXPECT_EQ(choice.selection.indices(),
              std::vector<Index>(places.data<std::int64_t>().begin(), places.data<std::int64_t>().end()))
        << choice.parameter;
    const Tensor scores = Tensor::of<float>({static_cast<Index>(choice.scores.size())}, choice.scores);
    EXPECT_TRUE(support::near(scores, golden("score." + choice.parameter), 1e-4)) << choice.parameter;
    ++compared;
  }
  EXPECT_EQ(compared, 13);  // the patch embedding and four matrices in three blocks
}

TEST_P(GoldenMethod, takes_the_kind_of_unit_that_pytorch_takes) {
  const engine::Json kinds =
      engine::parse_json(file.metadata().at(std::string(GetParam().golden) + ".units"), "units");
  for (const peft::Choice& choice : method->choices())
    EXPECT_EQ(std::string(choice.selection.kind_name()), kinds.at(choice.parameter).get<std::string>() + "s")
        << choice.parameter;
}

TEST_P(GoldenMethod, trains_like_masked_dense_adam_in_pytorch) {
  const std::vector<NamedParameter> all = engine::parameters(model);
  const auto adam = engine::make_adam(all, {});
  std::vector<double> losses, penalties;
  for (int step = 0; step < 20; ++step) {
    const Tensor loss = cross_entropy(step % 2);
    engine::backward(loss);
    losses.push_back(loss.item());
    penalties.push_back(method->regularize(all));
    adam->step(1e-3);
  }
  EXPECT_TRUE(support::near(Tensor::of<double>({20}, losses), golden("loss"), 1e-5));
  EXPECT_TRUE(support::near(Tensor::of<double>({20}, penalties), golden("penalty"), 1e-4));

  Index compared = 0;
  for (const auto& [name, parameter] : all) {
    const Selection& part = parameter.trains();
    ASSERT_EQ(part.any(), has("final." + name)) << name;
    Tensor restored = parameter.value().clone();
    part.scatter(part.gather(base.read(name)), restored);
    EXPECT_TRUE(support::same_bits(restored, base.read(name))) << name << ": a frozen value moved";
    if (!part.any()) continue;
    Tensor actual = part.gather(parameter.value()), expected = golden("final." + name);
    if (name.ends_with("qkv.bias")) {
      // A key bias has no true gradient: Adam makes steps of rounding noise.
      const Index width = model.config().width;
      for (Tensor* t : {&actual, &expected}) std::fill_n(t->data<float>().begin() + width, width, 0.0f);
    }
    EXPECT_TRUE(support::near(actual, expected, 1e-5)) << name;
    ++compared;
  }
  EXPECT_GE(compared, 15);
}

const std::map<std::string, std::string> kAsStored{{"score-augment", "none"}};
std::map<std::string, std::string> with(std::map<std::string, std::string> options) {
  options.insert(kAsStored.begin(), kAsStored.end());
  return options;
}
std::string name_of(const ::testing::TestParamInfo<Case>& c) {
  return c.param.golden;
}
INSTANTIATE_TEST_SUITE_P(
    , GoldenMethod,
    ::testing::Values(Case{"grft", "grft", with({})},  // the default options: k 2, short axis, anchor 0.01
                      Case{"grft_no_anchor", "grft", with({{"anchor", "0"}})},
                      Case{"grft_rows", "grft", with({{"axis", "row"}})},
                      Case{"grft_columns", "grft", with({{"axis", "column"}})}, Case{"gps", "gps", with({})},
                      Case{"sift", "sift", with({})}),
    name_of);

}  // namespace
