#include "engine/tensor/random.h"
#include "peft/method_info.h"
#include "peft/selection/selecting.h"
#include "peft/target.h"

namespace peft {
namespace {

class RandomUnits : public SelectingMethod {
 public:
  RandomUnits(Options options, std::uint64_t seed) : SelectingMethod(std::move(options)), seed_(seed) {}

 protected:
  bool needs_gradient() const override { return false; }
  engine::Tensor importance(const engine::NamedParameter& target, const engine::Tensor&) override {
    engine::Random random = random_of(seed_, target.name);
    return engine::normal(target.parameter.value().shape(), random, 1);
  }

 private:
  std::uint64_t seed_;
};

}  // namespace

MethodInfo random() {
  return {"random", "random elements, rows or columns of every weight matrix",
          "A random selection of the same form and size as that of another method (--unit, --k, --rate): "
          "the baseline of any ranking. Every parameter has a random stream of its own, given by --seed and "
          "its name.",
          joined({unit_options("neuron", "1", "0.01"), target_options("off")}),
          [](const OptionValues& values) -> std::unique_ptr<Method> {
            return std::make_unique<RandomUnits>(read_targets(values, read_units(values)), values.seed());
          }};
}

}  // namespace peft
