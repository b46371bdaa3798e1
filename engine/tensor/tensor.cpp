#include "engine/tensor/tensor.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/tensor/half.h"

namespace engine {

Tensor Tensor::make(Shape shape, Dtype dtype, std::shared_ptr<std::byte> (*get)(std::size_t)) {
  Tensor t;
  t.shape_ = std::move(shape);
  t.dtype_ = dtype;
  Index bytes = 0;
  check(!__builtin_mul_overflow(t.numel(), size_of(dtype), &bytes), "tensor: shape", t.shape(),
        "is too large");
  t.buffer_ = get(static_cast<std::size_t>(bytes));
  return t;
}

Tensor Tensor::uninitialized(Shape shape, Dtype dtype) {
  return make(std::move(shape), dtype, allocate);
}

Tensor Tensor::zeros(Shape shape, Dtype dtype) {
  return make(std::move(shape), dtype, allocate_zeros);
}

Tensor Tensor::full(Shape shape, double value, Dtype dtype) {
  Tensor t = uninitialized(std::move(shape), dtype);
  visit(dtype, [&]<class T>() { std::ranges::fill(t.data<T>(), static_cast<T>(value)); });
  return t;
}

double Tensor::item() const {
  check(numel() == 1, "tensor: item() needs one value, not", shape_);
  return visit(dtype_, [&]<class T>() { return static_cast<double>(data<T>()[0]); });
}

Tensor Tensor::clone() const {
  Tensor t = uninitialized(shape_, dtype_);
  std::memcpy(t.raw(), raw(), bytes());
  return t;
}

Tensor Tensor::reshaped(Shape shape) const {
  check(shape.numel() == numel(), "tensor:", shape_, "cannot be seen as", shape);
  Tensor t = detached();
  t.shape_ = std::move(shape);
  return t;
}

Tensor Tensor::slice(Index begin, Index end) const {
  check(shape_.rank() > 0 && 0 <= begin && begin <= end && end <= shape_[0], "tensor: no entries", begin,
        "to", end, "in", shape_);
  std::vector<Index> dims = shape_.dims();
  dims[0] = end - begin;
  Tensor t = detached();
  t.shape_ = Shape(std::move(dims));
  t.buffer_ = {buffer_, buffer_.get() + begin * shape_.columns() * size_of(dtype_)};
  return t;
}

Tensor Tensor::to(Dtype dtype) const {
  if (dtype == dtype_) return detached();
  Tensor t = uninitialized(shape_, dtype);
  const std::size_t count = static_cast<std::size_t>(numel());
  visit(dtype, [&]<class To>() {
    To* out = t.data<To>().data();
    auto convert = [&](auto read) {
      for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<To>(read(i));
    };
    const auto* half = reinterpret_cast<const std::uint16_t*>(raw());
    switch (dtype_) {
      case Dtype::f32:
        return convert([in = reinterpret_cast<const float*>(raw())](std::size_t i) { return in[i]; });
      case Dtype::f64:
        return convert([in = reinterpret_cast<const double*>(raw())](std::size_t i) { return in[i]; });
      case Dtype::f16:
        return convert([half](std::size_t i) { return f16_to_f32(half[i]); });
      case Dtype::bf16:
        return convert([half](std::size_t i) { return bf16_to_f32(half[i]); });
      case Dtype::i64:
      case Dtype::u8:
        throw Error(say("tensor: whole numbers of type", dtype_, "are not turned into", dtype));
    }
  });
  return t;
}

Tensor Tensor::with_node(std::shared_ptr<Node> node) const {
  Tensor t = *this;
  t.node_ = std::move(node);
  return t;
}

}  // namespace engine
