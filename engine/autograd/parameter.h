#pragma once

#include "engine/autograd/node.h"
#include "engine/autograd/record.h"

namespace engine {

/// A tensor a model owns, the part of it that trains, and the gradient of that part. Copies are the same
/// parameter.
class Parameter {
 public:
  Parameter() : state_(std::make_shared<ParameterState>()) {}
  /// A parameter that trains as a whole.
  explicit Parameter(Tensor value) : Parameter() { state_->value = std::move(value); }

  Tensor& value() const { return state_->value; }
  /// What was accumulated of the gradient, in the parameter's GradientForm (by default that of the part that
  /// trains, packed); empty when none has arrived since it was cleared.
  Tensor& grad() const { return state_->grad; }
  /// The same in a buffer that nothing else reads, for a change in place.
  Tensor& writable_grad() const;
  const Selection& trains() const { return state_->trains; }
  const GradientForm& form() const { return state_->form; }
  /// The shape of a gradient in that form.
  Shape grad_shape() const { return state_->form.shape(state_->value.shape(), state_->trains); }
  /// True when a gradient is accumulated: when a part trains or the gradient is observed.
  bool accumulates() const { return state_->accumulates(); }
  /// Grows each time `train` or `observe` is called: an optimizer restarts its state for this parameter then.
  std::uint64_t version() const { return state_->version; }
  /// How many values train.
  Index trained_count() const { return state_->trains.packed(state_->value.shape()).numel(); }

  /// Trains this part from now on; the gradient is cleared. Throws when an index lies outside.
  void train(Selection part) const;
  void freeze() const { train(Selection::none()); }
  /// Freezes the parameter, but accumulates its gradient in this form from now on, for scoring. The default
  /// form is the whole gradient: the same as train(Selection::all()). The gradient is cleared. Throws when a
  /// sketch does not fit.
  void observe(GradientForm form) const;

  /// What trains, its gradient and its version.
  struct Training {
    Selection part;
    Tensor grad;
    std::uint64_t version;
    GradientForm form = {};
  };
  /// Trains something else for a while and returns what trained: handing that back undoes it, so that an
  /// optimizer sees no change.
  Training exchange(Training other) const;

  /// True for copies of one parameter.
  friend bool operator==(const Parameter& a, const Parameter& b) { return a.state_ == b.state_; }

  /// The value as an input of an op; tracked when a gradient is accumulated.
  operator Tensor() const;

 private:
  std::shared_ptr<ParameterState> state_;
};

}  // namespace engine
