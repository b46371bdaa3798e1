#pragma once

#include <initializer_list>
#include <ostream>
#include <vector>

#include "engine/base/check.h"

namespace engine {

/// The lengths of a tensor's axes, outermost first. A shape of rank 0 holds one value.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<Index> dims) : Shape(std::vector<Index>(dims)) {}
  /// Throws when a length is negative or the count of values does not fit an Index.
  explicit Shape(std::vector<Index> dims);

  int rank() const { return static_cast<int>(dims_.size()); }
  /// The length of an axis; negative axes count from the end.
  Index operator[](int axis) const;
  /// How many values a tensor of this shape holds.
  Index numel() const { return numel_; }
  /// A parameter is seen as a matrix: its first axis by all others. Rank 0 is one by one.
  Index rows() const { return dims_.empty() ? 1 : dims_.front(); }
  Index columns() const;
  const std::vector<Index>& dims() const { return dims_; }

  friend bool operator==(const Shape& a, const Shape& b) { return a.dims_ == b.dims_; }
  friend std::ostream& operator<<(std::ostream& out, const Shape& shape);

 private:
  std::vector<Index> dims_;
  Index numel_ = 1;
};

}  // namespace engine
