#include "engine/ops/activation.h"

#include "engine/kernels/elementwise.h"
#include "engine/kernels/simd.h"
#include "engine/ops/op.h"
#include "engine/tensor/op_work.h"

namespace engine {

Tensor activate(const Tensor& x, Activation activation) {
  if (activation == Activation::none) return x;
  Tensor y = Tensor::uninitialized(x.shape(), x.dtype());
  visit(x.dtype(), [&]<class T>() {
    const OpTimer timer([&] { return loop_work("GELU forward", x, bytes_of(x, y)); });
    kernels::activate(activation, x.numel(), x.data<T>().data(), y.data<T>().data());
  });
  const Tensor out =
      record(op::activate, {x}, y, [x = keep(x, x.tracked()), activation](Tensor dy, const Needs&) -> Grads {
        return {activation_gradient(x, activation, std::move(dy))};
      });
  return recomputed(out, [x = x.detached(), activation] { return activate(x, activation); });
}

Tensor activation_gradient(const Tensor& x, Activation activation, Tensor dy) {
  if (activation == Activation::none) return dy;
  Tensor dx = dy.unshared() ? dy : Tensor::uninitialized(x.shape(), x.dtype());
  visit(x.dtype(), [&]<class T>() {
    const OpTimer timer([&] { return loop_work("GELU backward", x, bytes_of(x, dy, dx)); });
    kernels::activate_backward(activation, x.numel(), x.data<T>().data(), dy.data<T>().data(),
                               dx.data<T>().data());
  });
  return dx;
}

namespace {

/// The two inputs of SwiGLU as rows of `width` values that are `stride` apart.
template <class T>
struct GateRows {
  const T *gate, *value;
  Index rows, width, stride;
};

template <class T>
void swiglu_forward(const GateRows<T>& r, T* y) {
  kernels::parallel_for(r.rows, [&](Index i) {
    T* const to = y + i * r.width;
    kernels::simd<T>().activate(Activation::silu, r.width, r.gate + i * r.stride, to);
    for (Index j = 0; j < r.width; ++j) to[j] *= r.value[i * r.stride + j];
  });
}

/// dgate = dy value silu'(gate), dvalue = dy silu(gate), both `stride` apart.
template <class T>
void swiglu_backward(const GateRows<T>& r, const T* dy, T* dgate, T* dvalue) {
  const kernels::Simd<T>& simd = kernels::simd<T>();
  kernels::parallel_for(r.rows, [&](Index i) {
    const T *d = dy + i * r.width, *gate = r.gate + i * r.stride, *value = r.value + i * r.stride;
    T *const to_gate = dgate + i * r.stride, *const to_value = dvalue + i * r.stride;
    simd.activate(Activation::silu, r.width, gate, to_value);
    for (Index j = 0; j < r.width; ++j) to_value[j] *= d[j];
    for (Index j = 0; j < r.width; ++j) to_gate[j] = d[j] * value[j];
    simd.activate_backward(Activation::silu, r.width, gate, to_gate, to_gate);
  });
}

}  // namespace

Tensor swiglu(const Tensor& x) {
  check(x.shape().rank() > 0 && x.shape()[-1] % 2 == 0, "swiglu: x", x.shape(), "has no two halves");
  std::vector<Index> dims = x.shape().dims();
  const Index width = dims.back() /= 2, rows = width == 0 ? 0 : x.numel() / (2 * width);
  Tensor y = Tensor::uninitialized(Shape(std::move(dims)), x.dtype());
  const auto halves = [=]<class T>(const T* from) {
    return GateRows<T>{from, from + width, rows, width, 2 * width};
  };
  visit(x.dtype(), [&]<class T>() {
    const OpTimer timer([&] { return loop_work("SwiGLU forward", y, bytes_of(x, y)); });
    swiglu_forward(halves(x.data<T>().data()), y.data<T>().data());
  });
  const Tensor out = record(
      op::swiglu, {x}, y, [x = keep(x, x.tracked()), halves, width](const Tensor& dy, const Needs&) -> Grads {
        Tensor dx = Tensor::uninitialized(x.shape(), x.dtype());
        visit(x.dtype(), [&]<class T>() {
          const OpTimer timer([&] { return loop_work("SwiGLU backward", dy, bytes_of(x, dy, dx)); });
          T* const to = dx.data<T>().data();
          swiglu_backward(halves(x.data<T>().data()), dy.data<T>().data(), to, to + width);
        });
        return {dx};
      });
  return recomputed(out, [x = x.detached()] { return swiglu(x); });
}

Tensor swiglu(const Tensor& gate, const Tensor& value) {
  check(gate.shape() == value.shape() && gate.dtype() == value.dtype(), "swiglu: the gate", gate.dtype(),
        gate.shape(), "does not fit the value", value.dtype(), value.shape());
  const Index width = gate.shape().rank() == 0 ? 1 : gate.shape()[-1],
              rows = width == 0 ? 0 : gate.numel() / width;
  Tensor y = Tensor::uninitialized(gate.shape(), gate.dtype());
  visit(gate.dtype(), [&]<class T>() {
    const OpTimer timer([&] { return loop_work("SwiGLU forward", y, bytes_of(gate, value, y)); });
    swiglu_forward(GateRows<T>{gate.data<T>().data(), value.data<T>().data(), rows, width, width},
                   y.data<T>().data());
  });
  const bool tracked = gate.tracked() || value.tracked();
  const Tensor out = record(
      op::swiglu_split, {gate, value}, y,
      [gate = keep(gate, tracked), value = keep(value, tracked), rows, width](const Tensor& dy,
                                                                              const Needs&) -> Grads {
        Tensor dgate = Tensor::uninitialized(gate.shape(), gate.dtype()),
               dvalue = Tensor::uninitialized(gate.shape(), gate.dtype());
        visit(gate.dtype(), [&]<class T>() {
          const OpTimer timer(
              [&] { return loop_work("SwiGLU backward", dy, bytes_of(gate, value, dy, dgate, dvalue)); });
          swiglu_backward(GateRows<T>{gate.data<T>().data(), value.data<T>().data(), rows, width, width},
                          dy.data<T>().data(), dgate.data<T>().data(), dvalue.data<T>().data());
        });
        return {dgate, dvalue};
      });
  return recomputed(out, [gate = gate.detached(), value = value.detached()] { return swiglu(gate, value); });
}

}  // namespace engine
