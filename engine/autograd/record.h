#pragma once

#include <initializer_list>

#include "engine/autograd/node.h"
#include "engine/base/op_timer.h"

namespace engine {

/// True while ops are recorded for backward(), in this thread.
bool grad_enabled();

/// While it lives, nothing is recorded: for evaluation.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool before_;
};

/// Returns `y` tied to its inputs, so that backward() can go through the op of that name. There is no
/// overload without a rule: a graph cannot be cut in silence. `y` comes back untied when no input is tracked.
/// An input that is not there (an empty Tensor) needs no gradient.
Tensor record(std::string_view op, std::initializer_list<Tensor> inputs, Tensor y, Backward backward);

/// The same for a `y` whose rule hands gradients to parameters by itself, so that it is tied even when no
/// input is tracked.
Tensor record_always(std::string_view op, std::initializer_list<Tensor> inputs, const Tensor& y,
                     Backward backward);

/// `t` when the backward pass will read it, nothing when it will not.
Tensor keep(const Tensor& t, bool needed);

/// A tensor for a rule to read: held in memory, or computed once more when it is asked for.
class Kept {
 public:
  Kept() = default;
  explicit Kept(Tensor held) : held_(std::move(held)) {}
  explicit Kept(std::function<Tensor()> again) : again_(std::move(again)) {}
  /// The tensor; where it is computed again, in a buffer that goes with the result.
  Tensor operator()() const { return again_ ? computed(again_) : held_; }
  /// The tensor, computed when it is first asked for and held from then on.
  const Tensor& hold() {
    if (again_) held_ = computed(std::exchange(again_, nullptr));
    return held_;
  }

 private:
  static Tensor computed(const std::function<Tensor()>& again) {
    const Recomputing recomputing;
    return again();
  }

  Tensor held_;
  std::function<Tensor()> again_;
};

/// Tells that `again` gives the bits of `y` once more from tensors that the rule of its op holds anyway, at
/// little cost (activations and norms) or at a cost that was chosen for its memory. Returns `y`.
Tensor recomputed(const Tensor& y, std::function<Tensor()> again);

/// `t` without its memory where it can be recomputed, otherwise `t` itself.
Kept keep_cheaply(const Tensor& t);

/// The part of an input whose gradient backward() will want: of a parameter its selection (everything where
/// the gradient is accumulated in a form of its own), of any other tracked tensor everything, of an untracked
/// one nothing. For rules that keep only what that part needs.
const Selection& trained_part(const Tensor& input);
/// The form in which the gradient of an input is accumulated: of a parameter its own, else the default.
const GradientForm& gradient_form(const Tensor& input);

}  // namespace engine
