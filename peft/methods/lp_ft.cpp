#include "peft/methods/lp_ft.h"

#include <cmath>

#include "peft/method.h"

namespace peft {
namespace {

using engine::Index;

class LpFt : public Method {
 public:
  LpFt(double share, double factor) : share_(share), factor_(factor) {}

  void prepare(engine::Module& model, const NextLoss&) override { train_head_only(model); }
  std::vector<Stage> stages(Index steps) const override {
    return {{probe_steps(steps)}, {steps - probe_steps(steps), factor_}};
  }
  void begin_step(engine::Module& model, const Step& step) override {
    if (step.number != probe_steps(step.steps)) return;
    for (const auto& p : engine::parameters(model)) p.parameter.train(engine::Selection::all());
  }
  bool steady() const override { return false; }
  ExtraMemory extra_memory() const override { return {.copies = 0, .all_train = true}; }

 private:
  Index probe_steps(Index steps) const { return std::lround(share_ * static_cast<double>(steps)); }
  double share_, factor_;
};

}  // namespace

MethodInfo lp_ft() {
  return {
      "lp-ft",
      "the head first, then every number from there at a lower rate",
      "LP-FT (Kumar et al. 2022, arXiv 2202.10054). A linear probe for a share of the steps, then full fine-tuning from its\n"
      "head with the rates times --ft-lr, each with the whole schedule.",
      {{"probe", "X", "0.5", "share of the steps in which the head trains alone"},
       {"ft-lr", "X", "0.1", "factor of the learning rate afterwards"}},
      [](const OptionValues& values) -> std::unique_ptr<Method> {
        return std::make_unique<LpFt>(values.number("probe", engine::kShareOrNone), values.positive("ft-lr"));
      }};
}

}  // namespace peft
