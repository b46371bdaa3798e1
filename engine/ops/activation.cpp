#include "engine/ops/activation.h"

#include "engine/kernels/elementwise.h"
#include "engine/ops/op.h"
#include "engine/tensor/op_work.h"

namespace engine {

Tensor gelu(const Tensor& x) {
  Tensor y = Tensor::uninitialized(x.shape(), x.dtype());
  visit(x.dtype(), [&]<class T>() {
    const OpTimer timer([&] { return loop_work("GELU forward", x, bytes_of(x, y)); });
    kernels::gelu(x.numel(), x.data<T>().data(), y.data<T>().data());
  });
  const Tensor out = record(op::gelu, {x}, y, [x = keep(x, x.tracked())](Tensor dy, const Needs&) -> Grads {
    return {gelu_gradient(x, std::move(dy))};
  });
  return recomputed(out, [x = x.detached()] { return gelu(x); });
}

Tensor gelu_gradient(const Tensor& x, Tensor dy) {
  Tensor dx = dy.unshared() ? dy : Tensor::uninitialized(x.shape(), x.dtype());
  visit(x.dtype(), [&]<class T>() {
    const OpTimer timer([&] { return loop_work("GELU backward", x, bytes_of(x, dy, dx)); });
    kernels::gelu_backward(x.numel(), x.data<T>().data(), dy.data<T>().data(), dx.data<T>().data());
  });
  return dx;
}

}  // namespace engine
