#include "peft/method.h"
#include "peft/method_info.h"
#include "peft/methods/knapsack.h"
#include "peft/selection/dense_gradients.h"
#include "peft/target.h"

namespace peft {
namespace {

using engine::Index;
using engine::NamedParameter;
using engine::Selection;
using engine::Tensor;

/// Multiply-adds for one token: a weight matrix has as many in its own gradient as it has elements, and as
/// many in the gradient of its input.
Item cost_of(const NamedParameter& p) {
  const double elements = static_cast<double>(p.parameter.value().numel());
  return {.value = 0, .own = elements, .pass = p.name.ends_with(".weight") ? elements : 0};
}

class Green : public Method {
 public:
  Green(double budget, Index epochs) : budget_(budget), epochs_(epochs) {}

  /// Until the first batch is there, as much of the end of the model as the budget allows.
  void prepare(engine::Module& model, const NextLoss&) override {
    const std::vector<NamedParameter> tensors = pool(model);
    std::vector<Item> items;
    for (const NamedParameter& p : tensors) items.push_back(cost_of(p));
    for (Item& item : items) item.value = item.own;
    train(model, tensors, items);
    moved_.clear();
  }

  void begin_step(engine::Module& model, const Step& step) override {
    if (step.number % step.per_epoch != 0 || step.number / step.per_epoch % epochs_ != 0) return;
    const std::vector<NamedParameter> tensors = pool(model);
    train(model, tensors, worth(model, tensors, step));
  }
  MethodTraits traits() const override {
    return {.selection_is_fixed = false, .chooses = true, .weight_copies = 3};
  }
  std::vector<NamedParameter> pool(engine::Module& model) const override {
    return parameters_of(model, layers_);
  }

  PartsByName moved(engine::Module& model) const override {
    PartsByName all = trained_parts(model);
    all.insert(moved_.begin(), moved_.end());
    return all;
  }
  engine::NamedTensors state() const override {
    engine::NamedTensors all;
    for (const auto& [name, part] : moved_) all.emplace_back(name, Tensor::zeros({0}));
    return all;
  }
  void restore(engine::Module& model, const PartsByName& trained,
               const engine::NamedTensors& state) override {
    Method::restore(model, trained, state);
    moved_.clear();
    for (const auto& [name, empty] : state) moved_.emplace(name, Selection::all());
  }

 private:
  /// The value of a tensor is how much its part of one gradient step lowers the loss: g1 * (w0 - w1), with g1
  /// the gradient after the step. The step is taken back.
  static std::vector<Item> worth(engine::Module& model, const std::vector<NamedParameter>& tensors,
                                 const Step& step) {
    const std::vector<Tensor> before = dense_gradients(model, tensors, step.loss);
    std::vector<Tensor> weights;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      weights.push_back(tensors[i].parameter.value());
      Tensor moved = weights[i].clone();
      const float* g = before[i].data<float>().data();
      for (float& w : moved.data<float>()) w -= static_cast<float>(step.lr) * *g++;
      tensors[i].parameter.value() = moved;
    }
    const std::vector<Tensor> after = dense_gradients(model, tensors, step.loss);
    std::vector<Item> items;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      tensors[i].parameter.value() = weights[i];
      items.push_back(cost_of(tensors[i]));
      const float *g0 = before[i].data<float>().data(), *g1 = after[i].data<float>().data();
      for (Index j = 0; j < weights[i].numel(); ++j)
        items[i].value += step.lr * static_cast<double>(g0[j]) * static_cast<double>(g1[j]);
    }
    return items;
  }

  void train(engine::Module& model, const std::vector<NamedParameter>& tensors,
             const std::vector<Item>& items) {
    double all = 0;
    for (const Item& item : items) all += item.own + item.pass;
    const std::vector<bool> chosen = choose_within(items, budget_ * all);
    PartsByName parts;
    for (const auto& [name, parameter] : engine::parameters(model))
      if (engine::in_head(name)) parts.emplace(name, Selection::all());
    for (std::size_t i = 0; i < tensors.size(); ++i)
      if (chosen[i]) parts.emplace(tensors[i].name, Selection::all());
    train_only(model, parts);
    moved_.insert(parts.begin(), parts.end());
  }

  double budget_;
  Index epochs_;
  PartsByName moved_;  ///< all that has trained
};

}  // namespace

MethodInfo green() {
  return {"green",
          "most valuable tensors within a backward-FLOP budget, selected again every epoch",
          "GreenTrainer (Huang et al. 2024, arXiv 2309.13192). At the start of an epoch one gradient step "
          "on the first batch gives the value of every tensor: by how much its own movement lowers the "
          "loss. The step is taken back, and a knapsack picks the most valuable set whose backward pass, "
          "down to the lowest of its tensors, costs at most --budget of the whole one. Costs are counted "
          "from the shapes of the matrices, in multiply-adds per token, so that the choice is the same on "
          "every machine; the products inside attention are not counted. The official code measures the "
          "tensors' times and steps with the run's optimizer instead of plain gradient descent.",
          {{"budget", "X", "0.5", "share of the multiply-adds of a whole backward pass"},
           {"reselect", "N", "1", "epochs between two selections"}},
          [](const OptionValues& values) -> std::unique_ptr<Method> {
            return std::make_unique<Green>(values.share("budget"), values.integer("reselect", 1));
          }};
}

}  // namespace peft
