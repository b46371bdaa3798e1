#include "engine/ops/arithmetic.h"

#include <string>

#include "engine/kernels/elementwise.h"
#include "engine/ops/op.h"

namespace engine {
namespace {

void check_same(std::string_view name, const Tensor& a, const Tensor& b) {
  check(a.shape() == b.shape() && a.dtype() == b.dtype(), std::string(name) + ": a", a.dtype(), a.shape(),
        "does not fit b", b.dtype(), b.shape());
}

Tensor times(const Tensor& a, const Tensor& b) {
  check_same(op::multiply, a, b);
  Tensor y = Tensor::unset(a.shape(), a.dtype());
  visit(a.dtype(), [&]<class T>() {
    const T *p = a.data<T>().data(), *q = b.data<T>().data();
    kernels::fill(y.numel(), y.data<T>().data(), [=](Index i) { return p[i] * q[i]; });
  });
  return y;
}

Tensor times(const Tensor& x, double factor) {
  Tensor y = Tensor::unset(x.shape(), x.dtype());
  visit(x.dtype(), [&]<class T>() {
    const T* p = x.data<T>().data();
    kernels::fill(y.numel(), y.data<T>().data(),
                  [=, c = static_cast<T>(factor)](Index i) { return c * p[i]; });
  });
  return y;
}

}  // namespace

Tensor times_samples(const Tensor& x, const Tensor& factors) {
  Tensor y = Tensor::unset(x.shape(), x.dtype());
  visit(x.dtype(), [&]<class T>() {
    const T *p = x.data<T>().data(), *c = factors.data<T>().data();
    kernels::fill(y.numel(), y.data<T>().data(),
                  [=, width = x.shape().columns()](Index i) { return c[i / width] * p[i]; });
  });
  return y;
}

Tensor add(const Tensor& a, const Tensor& b) {
  check_same(op::add, a, b);
  Tensor y = Tensor::unset(a.shape(), a.dtype());
  visit(a.dtype(), [&]<class T>() {
    kernels::add(y.numel(), a.data<T>().data(), b.data<T>().data(), y.data<T>().data());
  });
  return record(op::add, {a, b}, y, [](const Tensor& dy, const Needs&) -> Grads { return {dy, dy}; });
}

Tensor multiply(const Tensor& a, const Tensor& b) {
  return record(
      op::multiply, {a, b}, times(a, b),
      [a = keep(a, b.tracked()), b = keep(b, a.tracked())](const Tensor& dy, const Needs& needs) -> Grads {
        return {needs(0) ? times(dy, b) : Grad(), needs(1) ? times(dy, a) : Grad()};
      });
}

Tensor scale(const Tensor& x, double factor) {
  return record(op::scale, {x}, times(x, factor),
                [factor](const Tensor& dy, const Needs&) -> Grads { return {times(dy, factor)}; });
}

Tensor scale_samples(const Tensor& x, const Tensor& factors) {
  check(x.shape().rank() > 0 && factors.shape() == Shape{x.shape()[0]}, "scale_samples: factors",
        factors.shape(), "do not fit x", x.shape());
  check(!factors.tracked(), "scale_samples: the factors are not trained");
  return record(op::scale_samples, {x}, times_samples(x, factors),
                [factors](const Tensor& dy, const Needs&) -> Grads { return {times_samples(dy, factors)}; });
}

}  // namespace engine
