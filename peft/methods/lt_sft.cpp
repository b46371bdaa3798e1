#include <algorithm>
#include <cmath>

#include "engine/ops/arithmetic.h"
#include "peft/method.h"
#include "peft/method_info.h"
#include "peft/selection/select.h"
#include "peft/target.h"

namespace peft {
namespace {

using engine::Index;
using engine::NamedParameter;
using engine::Selection;
using engine::Tensor;

class LtSft : public Method {
 public:
  LtSft(double rate, double share) : rate_(rate), share_(share) {}

  void prepare(engine::Module& model, const NextLoss&) override {
    remember(model);
    for (const NamedParameter& p : engine::parameters(model)) p.parameter.train(Selection::all());
  }
  void restore(engine::Module& model, const PartsByName& trained,
               const engine::NamedTensors& state) override {
    Method::restore(model, trained, state);
    remember(model);
  }
  std::vector<Stage> stages(Index steps) const override {
    return {{first_steps(steps)}, {steps - first_steps(steps)}};
  }
  void begin_step(engine::Module& model, const Step& step) override {
    if (step.number == first_steps(step.steps)) keep_largest_movements(model);
  }
  MethodTraits traits() const override {
    return {.selection_is_fixed = false, .chooses = true, .all_train_later = true, .weight_copies = 1};
  }
  std::vector<NamedParameter> pool(engine::Module& model) const override {
    return parameters_of(model, layers_);
  }

 private:
  Index first_steps(Index steps) const {
    engine::check(steps >= 2, "lt-sft has two phases, so it needs 2 steps or more, not", steps);
    return std::clamp<Index>(std::lround(share_ * static_cast<double>(steps)), 1, steps - 1);
  }

  void remember(engine::Module& model) {
    origin_.clear();
    for (const NamedParameter& p : engine::parameters(model)) origin_.push_back(p.parameter.value().clone());
  }

  /// Keeps the largest |w - w0| of all that it chooses from together; everything goes back to w0.
  void keep_largest_movements(engine::Module& model) {
    const std::vector<NamedParameter> all = engine::parameters(model);
    const Index blocks = engine::count_blocks(all);
    const auto is_chosen_from = [&](const NamedParameter& p) {
      return !engine::in_head(p.name) && layers_.contains(p.name, blocks);
    };
    std::vector<Tensor> movements;
    Index elements = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const Tensor& now = all[i].parameter.value();
      if (is_chosen_from(all[i])) {
        movements.push_back(engine::add(now.detached(), engine::scale(origin_[i], -1)));
        elements += now.numel();
      }
      all[i].parameter.value() = origin_[i];
    }
    const Index count = static_cast<Index>(rate_ * static_cast<double>(elements));
    const std::vector<std::vector<Index>> chosen = top_overall(movements, count);
    auto next = chosen.begin();
    for (const NamedParameter& p : all) {
      if (engine::in_head(p.name))
        p.parameter.train(Selection::all());
      else
        p.parameter.train(is_chosen_from(p) ? elements_or_none(*next++) : Selection::none());
    }
    origin_.clear();
  }

  double rate_, share_;
  std::vector<Tensor> origin_;  ///< w0 of every parameter, until the movements are known
};

}  // namespace

MethodInfo lt_sft() {
  return {"lt-sft",
          "the parameters that move most in full fine-tuning, trained again from the start",
          "LT-SFT (Ansell et al. 2022, arXiv 2110.07560). All parameters train for a share of the steps. Of "
          "those outside the head, the share --rate that moved most is kept; everything returns to its "
          "initial values, and only the kept ones and the head train for the other steps, with a schedule "
          "of their own. Deltas of several tasks that do not overlap can be added.",
          {{"rate", "X", "0.01", "share of all parameters outside the head"},
           {"first", "X", "0.5", "share of the steps in which all parameters train"}},
          [](const OptionValues& values) -> std::unique_ptr<Method> {
            return std::make_unique<LtSft>(values.share("rate"),
                                           values.number("first", engine::kProperShare));
          }};
}

}  // namespace peft
