#pragma once

#include <memory>
#include <span>
#include <vector>

#include "engine/tensor/dtype.h"
#include "engine/tensor/shape.h"
#include "engine/tensor/storage.h"

namespace engine {

struct Node;  // the way back through the graph; engine/autograd knows what it is

/// A shape, a dtype and a row-major buffer. Copies share the buffer; ops return new tensors.
class Tensor {
 public:
  /// No tensor at all: defined() is false.
  Tensor() = default;
  /// A tensor whose values are not set yet.
  static Tensor uninitialized(Shape shape, Dtype dtype = Dtype::f32);
  static Tensor zeros(Shape shape, Dtype dtype = Dtype::f32);
  static Tensor full(Shape shape, double value, Dtype dtype = Dtype::f32);
  /// A tensor with a copy of `values`, which must be as many as the shape holds.
  template <class T>
  static Tensor of(Shape shape, const std::vector<T>& values);

  bool defined() const { return buffer_ != nullptr; }
  const Shape& shape() const { return shape_; }
  Index numel() const { return shape_.numel(); }
  Dtype dtype() const { return dtype_; }
  std::size_t bytes() const { return static_cast<std::size_t>(numel() * size_of(dtype_)); }

  /// The values. Throws when T is not the tensor's type.
  template <class T>
  std::span<T> data();
  template <class T>
  std::span<const T> data() const;
  std::byte* raw() { return buffer_.get(); }
  const std::byte* raw() const { return buffer_.get(); }
  /// The single number of a tensor that holds one, as a double.
  double item() const;

  /// The same values in a buffer of their own.
  Tensor clone() const;
  /// The same buffer seen with another shape of as many values. Not part of the graph: see ops.
  Tensor reshaped(Shape shape) const;
  /// Entries [begin, end) of the first axis, in the same buffer. Not part of the graph.
  Tensor slice(Index begin, Index end) const;
  /// f32 or f64 from f32, f64, f16 or bf16, as a new tensor; the same tensor when nothing changes.
  Tensor to(Dtype dtype) const;
  /// True when no other tensor shares the buffer, so that it may be written in place.
  bool unshared() const { return buffer_.use_count() == 1; }

  bool tracked() const { return node_ != nullptr; }
  const std::shared_ptr<Node>& node() const { return node_; }
  Tensor detached() const { return with_node(nullptr); }
  Tensor with_node(std::shared_ptr<Node> node) const;

 private:
  static Tensor make(Shape shape, Dtype dtype, std::shared_ptr<std::byte> (*get)(std::size_t));

  Shape shape_;
  Dtype dtype_ = Dtype::f32;
  std::shared_ptr<std::byte> buffer_;
  std::shared_ptr<Node> node_;
};

template <class T>
std::span<T> Tensor::data() {
  check(dtype_of<T> == dtype_, "tensor: values of type", dtype_, "asked for as", dtype_of<T>);
  return {reinterpret_cast<T*>(buffer_.get()), static_cast<std::size_t>(numel())};
}

template <class T>
std::span<const T> Tensor::data() const {
  return const_cast<Tensor&>(*this).data<T>();
}

template <class T>
Tensor Tensor::of(Shape shape, const std::vector<T>& values) {
  Tensor t = uninitialized(std::move(shape), dtype_of<T>);
  check(t.numel() == static_cast<Index>(values.size()), "tensor:", values.size(), "values do not fill",
        t.shape());
  std::copy(values.begin(), values.end(), t.data<T>().begin());
  return t;
}

}  // namespace engine
