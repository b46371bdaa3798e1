#pragma once

#include "engine/nn/module.h"
#include "peft/options.h"

namespace peft {

/// What a selection is made of, and how much of it is taken.
struct Units {
  enum class Kind {
    element,  ///< a share of all elements of the tensor
    neuron,   ///< k elements of every row
    row,      ///< k rows
    column,   ///< k columns
    shorter,  ///< k of the axis with fewer units; of a square matrix k rows
  };
  Kind kind = Kind::neuron;
  engine::Index k = 1;
  double rate = 0.01;       ///< min(floor(rate n) + 1, n) of n elements
  engine::Index times = 1;  ///< of single elements, so many times what k or rate asks for

  /// The same with `shorter` made up for a matrix of this shape: rows or columns.
  Units of(const engine::Shape& matrix) const;
  /// The units of largest magnitude in `importance`, or sum of squares for rows and columns.
  engine::Selection top(const engine::Tensor& importance) const;
  /// How many single elements top() takes of a matrix of this shape.
  engine::Index elements(const engine::Shape& matrix) const;
  /// Throws an Error when every target has less than is asked for.
  void check_fits(const std::vector<engine::NamedParameter>& targets) const;
};

/// --unit, --k and --rate.
std::vector<OptionInfo> unit_options(const std::string& unit, const std::string& k, const std::string& rate);
Units read_units(const OptionValues& values);
/// --k alone, or --rate alone, of a method whose unit is fixed.
std::vector<OptionInfo> k_option(const std::string& k, const std::string& help);
std::vector<OptionInfo> rate_option(const std::string& rate);
Units read_k(const OptionValues& values, Units::Kind kind);
Units read_rate(const OptionValues& values);

}  // namespace peft
