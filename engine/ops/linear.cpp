#include "engine/ops/linear.h"

#include <algorithm>

#include "engine/base/phase.h"
#include "engine/kernels/gemm.h"
#include "engine/kernels/reduce.h"
#include "engine/ops/activation.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/matrix.h"
#include "engine/ops/op.h"
#include "engine/ops/sketched_gradient.h"
#include "engine/ops/weight_gradient.h"
#include "engine/tensor/op_work.h"

namespace engine {
namespace {

/// dx = dy w.
Tensor input_gradient(const Tensor& dy, const Tensor& w, const Shape& x) {
  Tensor dx = Tensor::uninitialized(x, dy.dtype());
  const Index out = w.shape().rows(), in = w.shape().columns();
  visit(dy.dtype(), [&]<class T>() {
    const OpTimer timer(
        [&] { return product_work("linear dX", dy.numel() / out, in, out, bytes_of(dy, w, dx)); });
    kernels::gemm(matrix<T>(dy, out), matrix<T>(w, in), dx.data<T>().data(), in);
  });
  return dx;
}

/// One factor for every row of a tensor of this shape, from one for every entry of its first axis.
Tensor for_each_row(const Tensor& factors, const Shape& shape) {
  const Index rows = shape.numel() / std::max<Index>(shape[-1], 1),
              group = rows / std::max<Index>(shape[0], 1);
  Tensor each = Tensor::uninitialized({rows}, factors.dtype());
  visit(factors.dtype(), [&]<class T>() {
    for (Index i = 0; i < rows; ++i)
      each.data<T>()[static_cast<std::size_t>(i)] = factors.data<T>()[static_cast<std::size_t>(i / group)];
  });
  return each;
}

/// db: dy summed over its rows.
Tensor bias_gradient(const Tensor& dy, Index out) {
  const PhaseTimer timer(Phase::weight_gradients);
  Tensor db = Tensor::uninitialized({out}, dy.dtype());
  visit(dy.dtype(), [&]<class T>() {
    const OpTimer op([&] { return loop_work("sum rows", dy, bytes_of(dy, db)); });
    kernels::column_sums(dy.numel() / out, out, dy.data<T>().data(), db.data<T>().data());
  });
  return db;
}

/// The work of y = x w^T + b with an epilogue.
template <class T>
OpWork work(const Tensor& x, const Tensor& w, const Tensor& b, const Tensor& y, const Tensor& sketches,
            const kernels::Epilogue<T>& e) {
  const Index out = w.shape().rows(), in = w.shape().columns(), rows = x.numel() / in;
  OpWork work = product_work("linear forward", rows, out, in, bytes_of(x, w, b, y, sketches));
  if (sketches.defined()) work.multiply_adds += x.numel();
  if (e.activation != Activation::none) work.kind = "linear + GELU forward";
  if (e.before_activation) work.bytes += y.bytes();
  if (e.residual) work.kind = "linear + residual forward", work.bytes += y.bytes();
  if (e.factors) work.bytes += static_cast<std::size_t>(rows) * sizeof(T);
  return work;
}

/// x w^T + b, with the epilogue that `epilogue(T{})` gives. Rows of x are sketched on the way where the
/// gradient of w will read sketches of them.
template <class F>
Tensor product(const Tensor& x, const Tensor& w, const Tensor& b, SketchedRows& x_sketches, F epilogue) {
  const Index out = w.shape().rows(), in = w.shape().columns();
  std::vector<Index> dims = x.shape().dims();
  dims.back() = out;
  Tensor y = Tensor::uninitialized(Shape(std::move(dims)), x.dtype());
  visit(x.dtype(), [&]<class T>() {
    kernels::Epilogue<T> e = epilogue(T{});
    e.sketches = x_sketches.on_the_way<T>();
    e.bias = b.defined() ? b.data<T>().data() : nullptr;
    const OpTimer timer([&] { return work(x, w, b, y, x_sketches.values(), e); });
    kernels::gemm(matrix<T>(x, in), matrix<T>(w, in).transposed(), y.data<T>().data(), out, e);
  });
  return y;
}

void check_linear(std::string_view op, const Tensor& x, const Tensor& w, const Tensor& b) {
  const Index out = w.shape().rows(), in = w.shape().columns();
  check(w.shape().rank() >= 2 && x.shape().rank() >= 1 && x.shape()[-1] == in && in > 0 &&
            x.dtype() == w.dtype(),
        std::string(op) + ": x", x.dtype(), x.shape(), "does not fit weight", w.dtype(), w.shape());
  check(!b.defined() || (b.shape() == Shape{out} && b.dtype() == w.dtype()), std::string(op) + ": bias",
        b.shape(), "does not fit weight", w.shape());
}

/// The gradients of x, w and b from dy, that of x w^T + b.
class LinearRule {
 public:
  LinearRule(const Tensor& x, const Tensor& w, const SketchedRows& x_sketches)
      : kept_(x_sketches.values().defined() ? KeptInput{Kept(x_sketches.values()), false, {}}
                                            : keep_input(x, trained_part(w), w.shape().columns())),
        w_(keep(w, x.tracked())),
        leaf_(w.node() ? w.node()->leaf : nullptr),
        x_shape_(x.shape()),
        w_shape_(w.shape()),
        version_(leaf_ ? leaf_->version : 0) {}

  void operator()(const Tensor& dy, const Needs& needs, Grads& grads) const {
    check(!leaf_ || leaf_->version == version_,
          "linear: the part of the weight that trains changed between forward and backward");
    if (sketches_weight(needs)) {
      sketched_gradients(dy, needs, kept_.x, x_shape_, w_, w_shape_, grads);
    } else {
      // dw before dx: an x that is recomputed for dw is gone before dx takes as much memory.
      if (needs(1)) grads[1] = weight_gradient(dy, kept_, needs.part(1), w_shape_);
      if (needs(0)) grads[0] = input_gradient(dy, w_, x_shape_);
    }
    if (needs(2)) grads[2] = bias_gradient(dy, w_shape_.rows());
  }

 private:
  KeptInput kept_;
  Tensor w_;
  std::shared_ptr<ParameterState> leaf_;
  Shape x_shape_, w_shape_;
  std::uint64_t version_;
};

}  // namespace

Tensor linear(const Tensor& x, const Tensor& w, const Tensor& b) {
  check_linear(op::linear, x, w, b);
  SketchedRows x_sketches = sketches_to_keep(x, w);
  const Tensor y = product(x, w, b, x_sketches, []<class T>(T) { return kernels::Epilogue<T>(); });
  return record(op::linear, {x, w, b}, y,
                [rule = LinearRule(x, w, x_sketches)](const Tensor& dy, const Needs& needs) -> Grads {
                  Grads grads(3);
                  rule(dy, needs, grads);
                  return grads;
                });
}

Tensor linear_activate(const Tensor& x, const Tensor& w, const Tensor& b, Activation activation, Save save) {
  check_linear(op::linear_activate, x, w, b);
  Tensor before;
  if (save == Save::activation && grad_enabled() && (x.tracked() || w.tracked() || b.tracked())) {
    std::vector<Index> dims = x.shape().dims();
    dims.back() = w.shape().rows();
    before = Tensor::uninitialized(Shape(std::move(dims)), x.dtype());
  }
  SketchedRows x_sketches = sketches_to_keep(x, w);
  const Tensor y = product(x, w, b, x_sketches, [&]<class T>(T) {
    return kernels::Epilogue<T>{.activation = activation,
                                .before_activation = before.defined() ? before.data<T>().data() : nullptr};
  });
  const auto recompute = [x = keep_cheaply(x), w = w.detached(), b = b.detached()] {
    SketchedRows none(Tensor(), nullptr);
    return product(x(), w, b, none, []<class T>(T) { return kernels::Epilogue<T>(); });
  };
  const auto before_activation = std::make_shared<Kept>(before.defined() ? Kept(before) : Kept(recompute));
  const Tensor out =
      record(op::linear_activate, {x, w, b}, y,
             [rule = LinearRule(x, w, x_sketches), before_activation, activation](
                 Tensor dy, const Needs& needs) -> Grads {
               Grads grads(3);
               rule(activation_gradient(before_activation->hold(), activation, std::move(dy)), needs, grads);
               return grads;
             });
  return recomputed(
      out, [before_activation, activation] { return activate(before_activation->hold(), activation); });
}

Tensor linear_residual(const Tensor& residual, const Tensor& x, const Tensor& w, const Tensor& b,
                       const BranchScale& scale) {
  check_linear(op::linear_residual, x, w, b);
  std::vector<Index> dims = x.shape().dims();
  dims.back() = w.shape().rows();
  const Tensor &features = scale.features, &samples = scale.samples;
  check(residual.shape() == Shape(dims) && residual.dtype() == x.dtype(), "linear_residual: residual",
        residual.dtype(), residual.shape(), "does not fit x", x.shape(), "and weight", w.shape());
  check(!samples.defined() ||
            (x.shape().rank() >= 2 && samples.shape() == Shape{x.shape()[0]} && !samples.tracked()),
        "linear_residual: a scale of samples", samples.shape(), "does not fit x", x.shape());
  check(!features.defined() || (features.shape() == Shape{w.shape().rows()} && !features.tracked()),
        "linear_residual: a scale of features", features.shape(), "does not fit weight", w.shape());
  const Tensor each = samples.defined() ? for_each_row(samples, x.shape()) : samples;
  SketchedRows x_sketches = sketches_to_keep(x, w);
  const Tensor y = product(x, w, b, x_sketches, [&]<class T>(T) {
    return kernels::Epilogue<T>{.scale = features.defined() ? features.data<T>().data() : nullptr,
                                .factors = each.defined() ? each.data<T>().data() : nullptr,
                                .residual = residual.data<T>().data()};
  });
  return record(op::linear_residual, {x, w, b, residual}, y,
                [rule = LinearRule(x, w, x_sketches), features = features.detached(), samples](
                    const Tensor& dy, const Needs& needs) -> Grads {
                  Grads grads(4);
                  grads[3] = dy;
                  if (!needs(0) && !needs(1) && !needs(2)) return grads;
                  Tensor branch = samples.defined() ? scale_samples(dy, samples) : dy;
                  if (features.defined()) branch = affine(branch, features);
                  rule(branch, needs, grads);
                  return grads;
                });
}

}  // namespace engine
