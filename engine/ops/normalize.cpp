#include "engine/ops/normalize.h"

#include <algorithm>
#include <cmath>

#include "engine/kernels/layer_norm.h"
#include "engine/kernels/reduce.h"
#include "engine/kernels/simd.h"
#include "engine/ops/op.h"
#include "engine/tensor/op_work.h"

namespace engine {

Tensor layer_norm(const Tensor& x, const Tensor& w, const Tensor& b, double eps) {
  check(x.shape().rank() > 0, "layer_norm: x needs an axis to normalise over");
  const Index width = x.shape()[-1], rows = width == 0 ? 0 : x.numel() / width;
  check(w.shape() == Shape{width} && b.shape() == Shape{width} && x.dtype() == w.dtype() &&
            x.dtype() == b.dtype(),
        "layer_norm: x", x.dtype(), x.shape(), "does not fit weight", w.dtype(), w.shape(), "and bias",
        b.dtype(), b.shape());
  Tensor y = Tensor::uninitialized(x.shape(), x.dtype());
  Tensor mean = Tensor::uninitialized({rows}, x.dtype()), rstd = Tensor::uninitialized({rows}, x.dtype());
  visit(x.dtype(), [&]<class T>() {
    const OpTimer timer([&] { return loop_work("layer norm forward", x, bytes_of(x, w, b, y, mean, rstd)); });
    kernels::layer_norm(rows, width, x.data<T>().data(), w.data<T>().data(), b.data<T>().data(),
                        static_cast<T>(eps), y.data<T>().data(), mean.data<T>().data(),
                        rstd.data<T>().data());
  });
  const bool reads_x = x.tracked() || w.tracked();
  const Tensor out = record(
      op::layer_norm, {x, w, b}, y,
      [x = keep(x, reads_x), w = keep(w, x.tracked()), mean = keep(mean, reads_x), rstd = keep(rstd, reads_x),
       rows, width](const Tensor& dy, const Needs& needs) -> Grads {
        Grads grads(3);
        visit(dy.dtype(), [&]<class T>() {
          const T* d = dy.data<T>().data();
          if (needs(0)) {
            Tensor dx = Tensor::uninitialized(dy.shape(), dy.dtype());
            const OpTimer timer(
                [&] { return loop_work("layer norm dX", dy, bytes_of(x, w, dy, mean, rstd, dx)); });
            kernels::layer_norm_backward(rows, width, x.data<T>().data(), w.data<T>().data(), d,
                                         mean.data<T>().data(), rstd.data<T>().data(), dx.data<T>().data());
            grads[0] = dx;
          }
          if (needs(1)) {
            Tensor dw = Tensor::uninitialized({width}, dy.dtype());
            const OpTimer timer(
                [&] { return loop_work("layer norm dW", dy, bytes_of(x, dy, mean, rstd, dw)); });
            kernels::layer_norm_weight_gradient(rows, width, x.data<T>().data(), d, mean.data<T>().data(),
                                                rstd.data<T>().data(), dw.data<T>().data());
            grads[1] = dw;
          }
          if (needs(2)) {
            Tensor db = Tensor::uninitialized({width}, dy.dtype());
            const OpTimer timer([&] { return loop_work("sum rows", dy, bytes_of(dy, db)); });
            kernels::column_sums(rows, width, d, db.data<T>().data());
            grads[2] = db;
          }
        });
        return grads;
      });
  return recomputed(
      out, [x = x.detached(), w = w.detached(), b = b.detached(), eps] { return layer_norm(x, w, b, eps); });
}

Tensor rms_norm(const Tensor& x, const Tensor& w, double eps) {
  check(x.shape().rank() > 0, "rms_norm: x needs an axis to normalise over");
  const Index width = x.shape()[-1], rows = width == 0 ? 0 : x.numel() / width;
  check(w.shape() == Shape{width} && x.dtype() == w.dtype(), "rms_norm: x", x.dtype(), x.shape(),
        "does not fit weight", w.dtype(), w.shape());
  Tensor y = Tensor::uninitialized(x.shape(), x.dtype()), rrms = Tensor::uninitialized({rows}, x.dtype());
  visit(x.dtype(), [&]<class T>() {
    const OpTimer timer([&] { return loop_work("RMS norm forward", x, bytes_of(x, w, y, rrms)); });
    kernels::rms_norm(rows, width, x.data<T>().data(), w.data<T>().data(), static_cast<T>(eps),
                      y.data<T>().data(), rrms.data<T>().data());
  });
  const bool reads_x = x.tracked() || w.tracked();
  const Tensor out = record(
      op::rms_norm, {x, w}, y,
      [x = keep(x, reads_x), w = keep(w, x.tracked()), rrms = keep(rrms, reads_x), rows, width](
          const Tensor& dy, const Needs& needs) -> Grads {
        Grads grads(2);
        visit(dy.dtype(), [&]<class T>() {
          const T* d = dy.data<T>().data();
          if (needs(0)) {
            Tensor dx = Tensor::uninitialized(dy.shape(), dy.dtype());
            const OpTimer timer([&] { return loop_work("RMS norm dX", dy, bytes_of(x, w, dy, rrms, dx)); });
            kernels::rms_norm_backward(rows, width, x.data<T>().data(), w.data<T>().data(), d,
                                       rrms.data<T>().data(), dx.data<T>().data());
            grads[0] = dx;
          }
          if (needs(1)) {
            Tensor dw = Tensor::uninitialized({width}, dy.dtype());
            const OpTimer timer([&] { return loop_work("RMS norm dW", dy, bytes_of(x, dy, rrms, dw)); });
            kernels::rms_norm_weight_gradient(rows, width, x.data<T>().data(), d, rrms.data<T>().data(),
                                              dw.data<T>().data());
            grads[1] = dw;
          }
        });
        return grads;
      });
  return recomputed(out, [x = x.detached(), w = w.detached(), eps] { return rms_norm(x, w, eps); });
}

Tensor normalize_rows(const Tensor& x) {
  check(x.shape().rank() == 2, "normalize_rows: x must be [n, width], not", x.shape());
  const Index rows = x.shape()[0], width = x.shape()[1];
  Tensor y = Tensor::uninitialized(x.shape(), x.dtype()), inverse = Tensor::uninitialized({rows}, x.dtype());
  visit(x.dtype(), [&]<class T>() {
    const OpTimer timer([&] { return loop_work("normalize rows forward", x, bytes_of(x, y, inverse)); });
    const T* in = x.data<T>().data();
    T *out = y.data<T>().data(), *scale = inverse.data<T>().data();
    kernels::parallel_for(rows, [&](Index i) {
      const T length = std::sqrt(kernels::simd<T>().dot(width, in + i * width, in + i * width));
      scale[i] = 1 / std::max(length, static_cast<T>(1e-12));
      for (Index j = 0; j < width; ++j) out[i * width + j] = in[i * width + j] * scale[i];
    });
  });
  return record(op::normalize_rows, {x}, y,
                [y = keep(y, x.tracked()), inverse = keep(inverse, x.tracked()), rows, width](
                    const Tensor& dy, const Needs&) -> Grads {
                  // dx = (dy - y (y . dy)) / length
                  Tensor dx = Tensor::uninitialized(dy.shape(), dy.dtype());
                  visit(dy.dtype(), [&]<class T>() {
                    const OpTimer timer([&] {
                      return loop_work("normalize rows backward", dy, bytes_of(y, inverse, dy, dx));
                    });
                    const T *d = dy.data<T>().data(), *unit = y.data<T>().data(),
                            *scale = inverse.data<T>().data();
                    T* to = dx.data<T>().data();
                    kernels::parallel_for(rows, [&](Index i) {
                      const T along = kernels::simd<T>().dot(width, d + i * width, unit + i * width);
                      for (Index j = i * width; j < (i + 1) * width; ++j)
                        to[j] = (d[j] - unit[j] * along) * scale[i];
                    });
                  });
                  return {dx};
                });
}

}  // namespace engine
