#include "engine/tensor/shape.h"

#include <utility>

namespace engine {

Shape::Shape(std::vector<Index> dims) : dims_(std::move(dims)) {
  for (Index dim : dims_) {
    check(dim >= 0, "shape: negative length", dim);
    check(!__builtin_mul_overflow(numel_, dim, &numel_), "shape:", *this, "holds too many values");
  }
  Index columns = 1;  // may be too many even where the first axis is 0
  for (std::size_t axis = 1; axis < dims_.size(); ++axis)
    check(!__builtin_mul_overflow(columns, dims_[axis], &columns), "shape:", *this, "has too many columns");
}

Index Shape::operator[](int axis) const {
  const int at = axis < 0 ? axis + rank() : axis;
  check(at >= 0 && at < rank(), "shape:", *this, "has no axis", axis);
  return dims_[static_cast<std::size_t>(at)];
}

Index Shape::columns() const {
  Index product = 1;
  for (int axis = 1; axis < rank(); ++axis) product *= dims_[static_cast<std::size_t>(axis)];
  return product;
}

std::ostream& operator<<(std::ostream& out, const Shape& shape) {
  out << '[';
  for (std::size_t i = 0; i < shape.dims_.size(); ++i) out << (i ? ", " : "") << shape.dims_[i];
  return out << ']';
}

}  // namespace engine
