#pragma once

#include <vector>

#include "engine/base/check.h"

namespace peft {

/// One tensor as GreenTrainer weighs it.
struct Item {
  double value;  ///< of training it
  double own;    ///< cost of its own gradient
  double pass;   ///< cost of passing the gradient through it to what lies before it
};

/// Which items, in the order of the forward pass, to train so that the sum of their values is largest while
/// their own costs, and the passing through every item after the first chosen one, stay within `budget`.
/// Costs are rounded up to a 2000th of the budget, so that it is never exceeded. Ties go to fewer items.
std::vector<bool> choose_within(const std::vector<Item>& items, double budget);

}  // namespace peft
