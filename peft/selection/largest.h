#pragma once

#include <span>
#include <vector>

#include "engine/base/check.h"

namespace peft {

/// The places of the largest of many values, found without sorting them all: what the selectors are made of.
/// Places are ascending, ties go to the lower one, and a count of more than there is means everything. They
/// throw an Error when a value is not a number (an infinite one is a number and wins) or `count` is negative.

/// The places of the `count` largest scores.
std::vector<engine::Index> largest(const std::vector<double>& scores, engine::Index count);

/// The places of the `count` largest magnitudes, found by all threads.
std::vector<engine::Index> largest_magnitudes(std::span<const float> values, engine::Index count);

/// Appends the places of the `count` largest magnitudes of a row, each plus `offset`. For float and double.
template <class T>
void append_largest_magnitudes(std::span<const T> row, engine::Index count, engine::Index offset,
                               std::vector<engine::Index>& places);

}  // namespace peft
