#include "engine/ops/arithmetic.h"

#include <algorithm>
#include <string>

#include "engine/kernels/elementwise.h"
#include "engine/kernels/reduce.h"
#include "engine/ops/op.h"
#include "engine/tensor/op_work.h"

namespace engine {
namespace {

void check_same(std::string_view name, const Tensor& a, const Tensor& b) {
  check(a.shape() == b.shape() && a.dtype() == b.dtype(), std::string(name) + ": a", a.dtype(), a.shape(),
        "does not fit b", b.dtype(), b.shape());
}

Tensor times(const Tensor& a, const Tensor& b) {
  check_same(op::multiply, a, b);
  Tensor y = Tensor::uninitialized(a.shape(), a.dtype());
  visit(a.dtype(), [&]<class T>() {
    const OpTimer timer([&] { return loop_work("multiply", a, bytes_of(a, b, y)); });
    const T *p = a.data<T>().data(), *q = b.data<T>().data();
    kernels::fill(y.numel(), y.data<T>().data(), [=](Index i) { return p[i] * q[i]; });
  });
  return y;
}

Tensor times(const Tensor& x, double factor) {
  Tensor y = Tensor::uninitialized(x.shape(), x.dtype());
  visit(x.dtype(), [&]<class T>() {
    const OpTimer timer([&] { return loop_work("scale", x, bytes_of(x, y)); });
    const T* p = x.data<T>().data();
    kernels::fill(y.numel(), y.data<T>().data(),
                  [=, c = static_cast<T>(factor)](Index i) { return c * p[i]; });
  });
  return y;
}

/// factor x + shift, along the last axis.
Tensor times_features(const Tensor& x, const Tensor& factor, const Tensor& shift) {
  Tensor y = Tensor::uninitialized(x.shape(), x.dtype());
  visit(x.dtype(), [&]<class T>() {
    const OpTimer timer([&] { return loop_work("affine", x, bytes_of(x, factor, shift, y)); });
    const T *p = x.data<T>().data(), *c = factor.data<T>().data();
    const T* d = shift.defined() ? shift.data<T>().data() : nullptr;
    T* to = y.data<T>().data();
    const Index width = factor.numel();
    kernels::parallel_chunks(y.numel() / width, std::max<Index>(1, kernels::kChunk / width),
                             [&](Index begin, Index end) {
                               for (Index i = begin * width; i < end * width; i += width) {
                                 for (Index j = 0; j < width; ++j)
                                   to[i + j] = d ? c[j] * p[i + j] + d[j] : c[j] * p[i + j];
                               }
                             });
  });
  return y;
}

/// The sums of dy, or of dy x, over all rows [rows, width]: [width].
Tensor feature_sums(const Tensor& dy, const Tensor* x, Index rows, Index width) {
  Tensor sums = Tensor::uninitialized({width}, dy.dtype());
  visit(dy.dtype(), [&]<class T>() {
    const OpTimer timer([&] { return loop_work("sum rows", dy, bytes_of(dy, sums) + (x ? x->bytes() : 0)); });
    const T *g = dy.data<T>().data(), *in = x ? x->data<T>().data() : nullptr;
    kernels::column_sums(rows, width, sums.data<T>().data(), [=](Index i, Index j) {
      return in ? g[i * width + j] * in[i * width + j] : g[i * width + j];
    });
  });
  return sums;
}

/// x with entry i of its first axis multiplied by factors[i].
Tensor scaled_samples(const Tensor& x, const Tensor& factors) {
  Tensor y = Tensor::uninitialized(x.shape(), x.dtype());
  visit(x.dtype(), [&]<class T>() {
    const OpTimer timer([&] { return loop_work("scale", x, bytes_of(x, factors, y)); });
    const T *p = x.data<T>().data(), *c = factors.data<T>().data();
    kernels::fill(y.numel(), y.data<T>().data(),
                  [=, width = x.shape().columns()](Index i) { return c[i / width] * p[i]; });
  });
  return y;
}

}  // namespace

Tensor add(const Tensor& a, const Tensor& b) {
  check_same(op::add, a, b);
  Tensor y = Tensor::uninitialized(a.shape(), a.dtype());
  visit(a.dtype(), [&]<class T>() {
    const OpTimer timer([&] { return loop_work("add", a, bytes_of(a, b, y)); });
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
  return record(op::scale_samples, {x}, scaled_samples(x, factors),
                [factors](const Tensor& dy, const Needs&) -> Grads { return {scaled_samples(dy, factors)}; });
}

Tensor affine(const Tensor& x, const Tensor& factor, const Tensor& shift) {
  const Shape& s = x.shape();
  const bool fits = s.rank() > 0 && factor.shape() == Shape{s[-1]} && factor.dtype() == x.dtype();
  check(fits, "affine: the factor", factor.dtype(), factor.shape(), "does not fit x", x.dtype(), s);
  check(!shift.defined() || (shift.shape() == factor.shape() && shift.dtype() == x.dtype()),
        "affine: the shift", shift.shape(), "does not fit x", s);
  const Index width = s[-1], rows = s.numel() / width;
  return record(op::affine, {x, factor, shift}, times_features(x, factor, shift),
                [x = keep(x, factor.tracked()), factor = keep(factor, x.tracked()), rows, width](
                    const Tensor& dy, const Needs& needs) -> Grads {
                  Grads grads(3);
                  if (needs(0)) grads[0] = times_features(dy, factor, {});
                  if (needs(1)) grads[1] = feature_sums(dy, &x, rows, width);
                  if (needs(2)) grads[2] = feature_sums(dy, nullptr, rows, width);
                  return grads;
                });
}

}  // namespace engine
