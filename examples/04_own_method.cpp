// 04: a method of your own. In every row of every weight matrix it trains the two weights of largest
// |w x gradient|: to first order, how much the loss would change without them (Molchanov et al. 2019). To be
// a `--method` of the program it needs a MethodInfo and a line in peft/methods.def.
#include <algorithm>
#include <cstdio>
#include <cstring>

#include "engine/autograd/backward.h"
#include "engine/nn/state.h"
#include "engine/ops/ops.h"
#include "engine/optim/optimizer.h"
#include "engine/tensor/random.h"
#include "models/vit.h"
#include "peft/account.h"
#include "peft/selection/selecting.h"

using engine::Index;
using engine::Tensor;

namespace {

/// SelectingMethod adds up the gradients of the losses it is given, asks for the importance of every weight,
/// and trains what ranks highest, with the head.
class Taylor : public peft::SelectingMethod {
 public:
  explicit Taylor(Index k) : SelectingMethod(options_with(k)) {}

 protected:
  Tensor importance(const engine::NamedParameter& target, const Tensor& gradient) override {
    return engine::multiply(target.parameter.value(), gradient);  // ranked by its magnitude
  }

 private:
  static Options options_with(Index k) {
    Options options;
    options.units.kind = peft::Units::Kind::neuron;  // k elements of every row
    options.units.k = k;
    return options;
  }
};

constexpr Index kSide = 16, kClasses = 4, kBatch = 16;
constexpr std::uint64_t kScored = 4, kSteps = 30;

/// The cross entropy of a batch of noise with labels of its own. Batch `i` is always the same.
Tensor loss(models::Vit& model, std::uint64_t i) {
  engine::Random random(1, engine::Random::Use::test, i);
  const Tensor images = engine::normal({kBatch, 3, kSide, kSide}, random, 1);
  std::vector<Index> labels(kBatch);
  for (Index& label : labels) label = random.below(kClasses);
  return engine::cross_entropy(model(images), engine::one_hot(labels, kClasses));
}

/// True when every bit of `now` that `part` leaves out is that of `before`.
bool only_changed(const engine::Selection& part, const Tensor& before, const Tensor& now) {
  Tensor restored = now.clone();
  part.scatter(part.gather(before), restored);
  return std::memcmp(restored.raw(), before.raw(), before.bytes()) == 0;
}

}  // namespace

int main() {
  models::Vit model({.image_height = kSide,
                     .image_width = kSide,
                     .patch = 4,
                     .width = 32,
                     .depth = 2,
                     .heads = 2,
                     .hidden = 64,
                     .classes = kClasses});
  models::initialize(model, /*seed=*/0);
  engine::NamedTensors before = engine::state(model);
  for (auto& [name, values] : before) values = values.clone();

  Taylor method(2);
  method.prepare(model,
                 [&, i = std::uint64_t{0}]() mutable { return i < kScored ? loss(model, i++) : Tensor(); });
  const peft::PartsByName trained = peft::trained_parts(model);
  const peft::Account account = peft::account(model);
  std::printf("%lld of %lld parameters train\n", static_cast<long long>(account.trainable),
              static_cast<long long>(account.total));

  const double at_first = loss(model, 0).item();
  const auto optimizer = engine::make_adam(engine::parameters(model), {});
  for (std::uint64_t step = 0; step < kSteps; ++step) {
    engine::backward(loss(model, step % kScored));
    optimizer->step(/*lr=*/1e-2);
  }
  const double at_last = loss(model, 0).item();
  std::printf("loss %.3f, after training %.3f\n", at_first, at_last);

  bool only_selected = true;
  for (std::size_t i = 0; const auto& [name, now] : engine::state(model)) {
    const auto found = trained.find(name);
    const engine::Selection part = found == trained.end() ? engine::Selection::none() : found->second;
    only_selected &= only_changed(part, before[i++].second, now);
  }
  std::printf("only what was selected changed, to the bit: %s\n", only_selected ? "yes" : "no");
  return only_selected && at_last < at_first ? 0 : 1;
}
