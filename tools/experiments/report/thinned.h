#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "engine/base/check.h"

namespace experiments {

using engine::Index;

/// Curves over a common axis with a bounded number of points: when there are too many, each becomes the mean
/// of neighbours.
class Thinned {
 public:
  static constexpr std::size_t kMost = 1024;

  /// The first of the columns is the axis.
  explicit Thinned(std::vector<std::string> columns);
  /// Adds a value for every column. Rows that do not go forward on the axis are left out.
  void add(const std::vector<double>& row);
  /// {"every": rows behind a point, "<column>": [values]...}, at most kMost points. Values have six digits;
  /// one that is not finite is null.
  nlohmann::ordered_json to_json() const;

 private:
  struct Point {
    std::vector<double> sums;
    Index rows = 0;
  };
  void halve();

  std::vector<std::string> columns_;
  std::vector<Point> points_;
  Index every_ = 1;
  double last_;
};

/// `value` with six significant digits.
double six_digits(double value);

}  // namespace experiments
