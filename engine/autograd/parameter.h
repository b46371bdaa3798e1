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
  /// The gradient of the part that trains, in packed shape; empty when none has arrived since it was cleared.
  Tensor& grad() const { return state_->grad; }
  /// The same in a buffer that nothing else reads, for a change in place.
  Tensor& writable_grad() const;
  const Selection& trains() const { return state_->trains; }
  /// Grows each time `train` is called: an optimizer restarts its state for this parameter then.
  std::uint64_t version() const { return state_->version; }
  /// How many numbers train.
  Index trained_count() const { return state_->trains.packed(state_->value.shape()).numel(); }

  /// Trains this part from now on; the gradient is cleared. Throws when an index lies outside.
  void train(Selection part) const;
  void freeze() const { train(Selection::none()); }

  /// What trains, its gradient and its version.
  struct Training {
    Selection part;
    Tensor grad;
    std::uint64_t version;
  };
  /// Trains something else for a while and returns what trained: handing that back undoes it, so that an
  /// optimizer sees no change.
  Training exchange(Training other) const;

  /// True for copies of one parameter.
  friend bool operator==(const Parameter& a, const Parameter& b) { return a.state_ == b.state_; }

  /// The value as an input of an op; tracked when a part of it trains.
  operator Tensor() const;

 private:
  std::shared_ptr<ParameterState> state_;
};

}  // namespace engine
