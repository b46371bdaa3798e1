#include <gtest/gtest.h>

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

/// A row of baselines.safetensors and the method that should reproduce it.
struct Case {
  const char* golden;
  const char* method;
  std::map<std::string, std::string> options;
};

void PrintTo(const Case& c, std::ostream* out) {
  *out << c.golden;
}

constexpr Index kBatch = 8;
constexpr int kSteps = 10;

/// Ten steps of Adam against PyTorch's, from the same F32 values.
class GoldenBaseline : public ::testing::TestWithParam<Case> {
 protected:
  GoldenBaseline() {
    method->attach(model);
    method->prepare(model, method->scoring() ? scoring_losses() : peft::NextLoss());
    for (const auto& [name, parameter] : engine::parameters(model)) {
      if (!base.contains(name)) parameter.value() = golden("start." + name);
    }
  }

  Tensor golden(const std::string& name) const { return file.read(GetParam().golden + ("." + name)); }
  bool has(const std::string& name) const { return file.contains(GetParam().golden + ("." + name)); }

  Tensor cross_entropy(int batch) {
    const std::vector<Index> all = support::labels_of(file, GetParam().golden + std::string(".labels"));
    const std::vector<Index> labels{all.begin() + batch * kBatch, all.begin() + (batch + 1) * kBatch};
    return engine::cross_entropy(model(images.slice(batch * kBatch, (batch + 1) * kBatch).clone()),
                                 engine::one_hot(labels, model.config().classes));
  }
  peft::NextLoss scoring_losses() {
    return [this, batch = 0]() mutable { return batch == 2 ? Tensor() : cross_entropy(batch++); };
  }
  /// Of a step; every stage has a constant one.
  double rate(Index step) const {
    for (const peft::Stage& stage : method->stages(kSteps)) {
      if (step < stage.steps) return 1e-3 * stage.lr_factor;
      step -= stage.steps;
    }
    throw engine::Error("there is no such step");
  }
  /// As the trainer takes them.
  void take_all_steps() {
    const std::vector<NamedParameter> all = engine::parameters(model);
    const auto adam = engine::make_adam(all, {});
    for (int step = 0; step < kSteps; ++step) {
      const auto loss_of_batch = [&] { return cross_entropy(step % 2); };
      method->begin_step(model, {step, kSteps, 2, rate(step), loss_of_batch, *adam});
      const Tensor loss = loss_of_batch();
      engine::backward(loss);
      losses.push_back(loss.item());
      penalties.push_back(method->regularize(all));
      adam->step(rate(step));
    }
  }

  const Safetensors file{support::golden("baselines.safetensors")},
      base{support::golden("vit_b.safetensors")};
  const Tensor images = Safetensors(support::golden("methods.safetensors")).read("images");
  Vit model = support::golden_vit(base);
  std::unique_ptr<peft::Method> method = peft::make_method(GetParam().method, GetParam().options);
  std::vector<double> losses, penalties;
};

/// A key bias has no true gradient, because it adds the same to every score of a query: Adam makes steps of
/// rounding noise. So does what SSF adds to keys.
void leave_out_key_biases(const std::string& name, Tensor& t) {
  if (!name.ends_with("qkv.bias") && !name.ends_with("qkv.ssf.shift")) return;
  const Index width = t.numel() / 3;
  std::fill_n(t.data<float>().begin() + width, width, 0.0f);
}

TEST_P(GoldenBaseline, trains_as_in_pytorch) {
  take_all_steps();
  EXPECT_TRUE(support::near(Tensor::of<double>({kSteps}, losses), golden("loss"), 1e-5));
  EXPECT_TRUE(support::near(Tensor::of<double>({kSteps}, penalties), golden("penalty"), 1e-5));

  const peft::PartsByName moved = method->moved(model);
  Index compared = 0;
  for (const auto& [name, parameter] : engine::parameters(model)) {
    const auto found = moved.find(name);
    const Selection part = found == moved.end() ? Selection::none() : found->second;
    const Tensor before = base.contains(name) ? base.read(name) : golden("start." + name);
    Tensor restored = parameter.value().clone();
    part.scatter(part.gather(before), restored);
    EXPECT_TRUE(support::same_bits(restored, before)) << name << ": a frozen value moved";

    EXPECT_EQ(part.any(), has("final." + name)) << name;
    EXPECT_EQ(part.any() && !part.whole(), has("selected." + name)) << name;
    if (!part.any() || !has("final." + name)) continue;
    if (!part.whole()) {
      const Tensor places = golden("selected." + name);
      ASSERT_EQ(part.indices(),
                std::vector<Index>(places.data<std::int64_t>().begin(), places.data<std::int64_t>().end()))
          << name;
    }
    Tensor actual = part.gather(parameter.value()), expected = golden("final." + name);
    if (part.whole()) leave_out_key_biases(name, actual), leave_out_key_biases(name, expected);
    EXPECT_TRUE(support::near(actual, expected, 1e-5)) << name;
    ++compared;
  }
  const std::string prefix = GetParam().golden + std::string(".final.");
  const std::vector<std::string> names = file.names();
  EXPECT_EQ(compared,
            std::ranges::count_if(names, [&](const std::string& n) { return n.starts_with(prefix); }));
}

std::string name_of(const ::testing::TestParamInfo<Case>& c) {
  return c.param.golden;
}
INSTANTIATE_TEST_SUITE_P(
    , GoldenBaseline,
    ::testing::Values(
        Case{"lora", "lora", {{"rank", "4"}}}, Case{"rslora", "lora", {{"rank", "4"}, {"rslora", "on"}}},
        Case{"dora", "dora", {{"rank", "4"}}}, Case{"houlsby", "adapter", {{"style", "houlsby"}}},
        Case{"pfeiffer", "adapter", {{"style", "pfeiffer"}}},
        Case{"parallel", "adapter", {{"style", "parallel"}}}, Case{"ssf", "ssf", {}},
        Case{"vpt_deep", "vpt", {{"tokens", "3"}}},
        Case{"vpt_shallow", "vpt", {{"tokens", "3"}, {"depth", "shallow"}}}, Case{"bitfit", "bitfit", {}},
        Case{"ln", "ln", {}}, Case{"last_k", "last-k", {}}, Case{"l2_sp", "l2-sp", {}},
        Case{"fisher", "fisher", {}}, Case{"magnitude", "magnitude", {{"k", "2"}}},
        Case{"shira_snip", "shira", {}}, Case{"sam", "sam", {{"rate", "0.01"}}},
        Case{"spt", "spt", {{"rate", "0.03"}, {"rank", "2"}}},
        Case{"sara", "sara", {{"threshold", "0.005"}, {"targets", "blocks.1.attn.qkv.weight"}}},
        Case{"lt_sft", "lt-sft", {{"rate", "0.02"}}}, Case{"lp_ft", "lp-ft", {}}),
    name_of);

}  // namespace
