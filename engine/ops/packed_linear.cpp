#include "engine/ops/packed_linear.h"

#include "engine/autograd/record.h"
#include "engine/ops/matrix.h"
#include "engine/tensor/op_work.h"

namespace engine {
namespace {

std::variant<kernels::Panels<float>, kernels::Panels<double>> packed(const Tensor& w, Index in) {
  if (w.dtype() == Dtype::f64) return kernels::pack_rhs(matrix<double>(w, in).transposed());
  return kernels::pack_rhs(matrix<float>(w, in).transposed());
}

}  // namespace

PackedWeight::PackedWeight(const Tensor& w)
    : out_(w.shape().rows()), in_(w.shape().columns()), dtype_(w.dtype()), panels_(packed(w, in_)) {}

Tensor packed_linear(const Tensor& x, const PackedWeight& w, const AfterLinear& after) {
  check(!grad_enabled() || !(x.tracked() || after.bias.tracked() || after.residual.tracked()),
        "packed_linear: a packed weight has no way back; it is for inference");
  check(x.shape().rank() >= 1 && x.shape()[-1] == w.in() && x.dtype() == w.dtype(), "packed_linear: x",
        x.dtype(), x.shape(), "does not fit a packed weight", w.dtype(), Shape{w.out(), w.in()});
  std::vector<Index> dims = x.shape().dims();
  dims.back() = w.out();
  Tensor y = Tensor::uninitialized(Shape(std::move(dims)), x.dtype());
  check(!after.bias.defined() || (after.bias.shape() == Shape{w.out()} && after.bias.dtype() == w.dtype()),
        "packed_linear: bias", after.bias.shape(), "does not fit", w.out(), "outputs");
  check(!after.scale.defined() || (after.scale.shape() == Shape{w.out()} && after.scale.dtype() == w.dtype()),
        "packed_linear: scale", after.scale.shape(), "does not fit", w.out(), "outputs");
  check(!after.residual.defined() ||
            (after.residual.shape() == y.shape() && after.residual.dtype() == w.dtype()),
        "packed_linear: residual", after.residual.shape(), "does not fit", y.shape());
  visit(x.dtype(), [&]<class T>() {
    const OpTimer timer([&] {
      OpWork work = product_work("linear forward", x.numel() / w.in(), w.out(), w.in(),
                                 bytes_of(x, after.bias, after.residual, y) +
                                     static_cast<std::size_t>(w.out() * w.in()) * sizeof(T));
      if (after.activation != Activation::none) work.kind = "linear + GELU forward";
      if (after.residual.defined()) work.kind = "linear + residual forward";
      return work;
    });
    kernels::gemm(matrix<T>(x, w.in()), w.panels<T>(), y.data<T>().data(), w.out(),
                  kernels::Epilogue<T>{
                      .bias = after.bias.defined() ? after.bias.data<T>().data() : nullptr,
                      .activation = after.activation,
                      .scale = after.scale.defined() ? after.scale.data<T>().data() : nullptr,
                      .residual = after.residual.defined() ? after.residual.data<T>().data() : nullptr});
  });
  return y;
}

}  // namespace engine
