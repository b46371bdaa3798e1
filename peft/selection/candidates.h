#pragma once

#include "engine/nn/state.h"
#include "peft/selection/units.h"

namespace peft {

/// Stands for the gradient of a matrix, summed up over the batches, while single elements are chosen by it:
/// behind every gradient that arrives only the strongest elements are held, with their sums. So the gradient
/// of one matrix at a time exists as a whole.
///
/// An element that is not held behind a gradient loses what had been summed up for it, no more than the
/// weakest held magnitude t of its unit then. So a sum differs from the true one by at most the sum of t over
/// the gradients behind which its element was not held, and two elements are in the right order when their
/// true magnitudes differ by more than that of both together. With one gradient nothing is lost.
class Candidates : public engine::Fold {
 public:
  /// `many` are elements, or elements of every row.
  explicit Candidates(const Units& many) : many_(many) {}

  /// Begins anew where nothing is held. A gradient that is not finite leaves no number behind that is.
  engine::Tensor add(const engine::Tensor& held, engine::Tensor gradient) override;
  engine::Index size(const engine::Shape& full) const override { return many_.elements(full); }

  /// The sums that add() returned last, in place; zeros everywhere else.
  engine::Tensor spread(const engine::Tensor& held, const engine::Shape& full) const;
  /// The squares of the whole sum: exact behind one gradient, and where all is held. Otherwise those of what
  /// is held and, for the rest, an estimate by every 61st number.
  double squares(const engine::Tensor& held, const engine::Shape& full) const;

 private:
  Units many_;
  engine::Selection at_, sample_;
  engine::Tensor sampled_;  ///< sums of the sample
  engine::Index gradients_ = 0;
  double squares_ = 0;  ///< of the first gradient
};

/// Those that the gradient of a parameter goes through; nullptr when it is summed up otherwise.
const Candidates* candidates_of(const engine::Parameter& parameter);

/// --score-candidates.
std::vector<OptionInfo> candidates_option();

}  // namespace peft
