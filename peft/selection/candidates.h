#pragma once

#include "engine/nn/state.h"
#include "peft/selection/units.h"

namespace peft {

/// Stands for the gradient of a matrix, accumulated over the batches, while single elements are chosen by it:
/// after every gradient only the candidates, the elements of largest magnitude, are kept, with their sums. So
/// the gradient of only one matrix at a time exists as a whole.
///
/// An element that is dropped after a gradient loses its sum so far, no more than the smallest magnitude t
/// kept of its unit then. So a sum differs from the true one by at most the sum of t over the gradients after
/// which its element was dropped, and two elements are in the right order when their true magnitudes differ
/// by more than that of both together. With one gradient nothing is lost.
class Candidates : public engine::GradientReducer {
 public:
  /// `many` are elements, or elements of every row.
  explicit Candidates(const Units& many) : many_(many) {}

  /// Starts over where nothing is kept. After a gradient that is not finite no value kept is finite.
  engine::Tensor add(const engine::Tensor& kept, engine::Tensor gradient) override;
  engine::Index size(const engine::Shape& full) const override { return many_.elements(full); }

  /// The sums that add() returned last, in place; zeros everywhere else.
  engine::Tensor spread(const engine::Tensor& kept, const engine::Shape& full) const;
  /// The squares of the whole sum: exact after one gradient, and where all is kept. Otherwise those of what
  /// is kept and, for the rest, an estimate by every 61st entry.
  double squares(const engine::Tensor& kept, const engine::Shape& full) const;

 private:
  Units many_;
  engine::Selection at_, sample_;
  engine::Tensor sampled_;  ///< sums of the sample
  engine::Index gradients_ = 0;
  double squares_ = 0;  ///< of the first gradient
};

/// Those that the gradient of a parameter goes through; nullptr when it is accumulated otherwise.
const Candidates* candidates_of(const engine::Parameter& parameter);

/// --score-candidates.
std::vector<OptionInfo> candidates_option();

}  // namespace peft
