#pragma once

#include <functional>
#include <memory>
#include <span>

#include "engine/nn/state.h"

namespace engine {

/// Moves the parts of parameters that train. It sees packed values only: its state has the packed size, and
/// neither weight decay nor momentum can touch a frozen value.
class Optimizer {
 public:
  /// Moves what trains of these parameters, now or later. Throws when nothing trains.
  explicit Optimizer(const std::vector<NamedParameter>& all);
  virtual ~Optimizer() = default;

  /// Moves every selected value once and clears the gradients. No other value changes. A parameter whose
  /// selection changed since the last step starts with fresh state. Throws, and moves nothing, when a
  /// parameter that trains has no gradient.
  void step(double lr);

  /// Trains `part`, single elements, of a parameter in place of the elements that train. Those that stay keep
  /// their state; a new one starts as though its gradient had had these moments all along.
  struct InitialMoments {
    float mean, square;  ///< of the gradient
  };
  void reselect(const Parameter& parameter, const Selection& part,
                const std::function<InitialMoments(Index element)>& initial);
  /// Multiplies the rate of every parameter by what `factor` gives for its name.
  void scale_rates(const std::function<double(const std::string&)>& factor);

  /// What a resumed run needs, by name: "<parameter>.<kind>" and "<parameter>.steps".
  NamedTensors state() const;
  /// Takes back what state() gave. Throws an Error naming what is missing or of the wrong shape.
  void load_state(const NamedTensors& state);
  /// Bytes of all state.
  std::size_t bytes() const;

 protected:
  /// A run of selected values: weights, gradients and the states of the same length.
  struct Values {
    std::span<float> w;
    std::span<const float> g;
    std::span<float> first, second;  ///< as many as state_names() has
  };
  virtual std::span<const std::string_view> state_names() const = 0;
  /// The rule, for any run of values of one parameter; `steps` counts this one, from 1.
  virtual void update(const Values& values, double lr, Index steps) const = 0;
  /// State `kind` of a value after `steps` steps whose gradients had these moments.
  virtual float initial_state(std::size_t /*kind*/, InitialMoments, Index /*steps*/) const { return 0; }

 private:
  struct Slot {
    NamedParameter p;
    std::uint64_t version = 0;
    Index steps = 0;
    std::vector<Tensor> state;
    double rate = 1;  ///< factor of the learning rate
  };
  void restart(Slot& slot) const;
  std::vector<Slot> slots_;
};

/// w -= lr v with v = momentum v + g + weight_decay w, as PyTorch's SGD.
struct SgdOptions {
  double momentum = 0, weight_decay = 0;
};
std::unique_ptr<Optimizer> make_sgd(const std::vector<NamedParameter>& all, const SgdOptions& options);

/// Adam (Kingma and Ba 2015) with weight decay added to the gradient, or, `decoupled`, AdamW (Loshchilov and
/// Hutter 2019) with w shrunk by lr weight_decay.
struct AdamOptions {
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
  bool decoupled = false;
};
std::unique_ptr<Optimizer> make_adam(const std::vector<NamedParameter>& all, const AdamOptions& options);

}  // namespace engine
