#include "engine/ops/linear.h"

#include <algorithm>

#include "engine/base/phase.h"
#include "engine/kernels/gemm.h"
#include "engine/kernels/reduce.h"
#include "engine/ops/activation.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/matrix.h"
#include "engine/ops/op.h"
#include "engine/ops/weight_gradient.h"

namespace engine {
namespace {

/// Room for the sketches [n, r] of the rows of t [n, columns].
Tensor room_for_mixtures(const Tensor& t, const CountSketch& mix) {
  return Tensor::unset({t.numel() / mix.size(), mix.count()}, t.dtype());
}

/// What has a product t b write the sketches of t's rows to `mixed` on the way.
template <class T>
kernels::Mixtures<T> mixtures(const CountSketch& mix, Tensor& mixed) {
  return {mix.view<T>(), mixed.data<T>().data()};
}

/// dx = dy w. With a `mix`, the sketches of dy's rows go to `mixed` on the way.
Tensor input_gradient(const Tensor& dy, const Tensor& w, const Shape& x, const CountSketch* mix,
                      Tensor& mixed) {
  Tensor dx = Tensor::unset(x, dy.dtype());
  const Index in = w.shape().columns();
  visit(dy.dtype(), [&]<class T>() {
    kernels::Epilogue<T> e;
    if (mix) e.mixtures = mixtures<T>(*mix, mixed);
    kernels::gemm(matrix<T>(dy, w.shape().rows()), matrix<T>(w, in), dx.data<T>().data(), in, e);
  });
  return dx;
}

/// The sketches of dy's rows alone.
void mix_rows(const Tensor& dy, const CountSketch& mix, Tensor& mixed) {
  const Index out = mix.size();
  visit(dy.dtype(), [&]<class T>() {
    kernels::gemm<T>(matrix<T>(dy, out), {nullptr, out, 0, 0}, nullptr, 0,
                     {.mixtures = mixtures<T>(mix, mixed)});
  });
}

/// One factor for every row of a tensor of this shape, from one for every entry of its first axis.
Tensor for_each_row(const Tensor& factors, const Shape& shape) {
  const Index rows = shape.numel() / std::max<Index>(shape[-1], 1),
              group = rows / std::max<Index>(shape[0], 1);
  Tensor each = Tensor::unset({rows}, factors.dtype());
  visit(factors.dtype(), [&]<class T>() {
    for (Index i = 0; i < rows; ++i)
      each.data<T>()[static_cast<std::size_t>(i)] = factors.data<T>()[static_cast<std::size_t>(i / group)];
  });
  return each;
}

Tensor bias_gradient(const Tensor& dy, Index out) {
  Tensor db = Tensor::unset({out}, dy.dtype());
  visit(dy.dtype(), [&]<class T>() {
    kernels::column_sums(dy.numel() / out, out, dy.data<T>().data(), db.data<T>().data());
  });
  return db;
}

/// x w^T + b, finished as `epilogue(T{})` says. Mixtures of x that the gradient of w will read go to `mixed`.
template <class F>
Tensor product(const Tensor& x, const Tensor& w, const Tensor& b, Tensor& mixed, F epilogue) {
  const Index out = w.shape().rows(), in = w.shape().columns();
  std::vector<Index> dims = x.shape().dims();
  dims.back() = out;
  Tensor y = Tensor::unset(Shape(std::move(dims)), x.dtype());
  const auto* read = std::get_if<Selection::MixedColumns>(&trained_part(w).kind());
  if (read) mixed = room_for_mixtures(x, read->mix);
  visit(x.dtype(), [&]<class T>() {
    kernels::Epilogue<T> e = epilogue(T{});
    if (read) e.mixtures = mixtures<T>(read->mix, mixed);
    e.bias = b.empty() ? nullptr : b.data<T>().data();
    kernels::gemm(matrix<T>(x, in), matrix<T>(w, in).transposed(), y.data<T>().data(), out, e);
  });
  return y;
}

void check_linear(std::string_view op, const Tensor& x, const Tensor& w, const Tensor& b) {
  const Index out = w.shape().rows(), in = w.shape().columns();
  check(w.shape().rank() >= 2 && x.shape().rank() >= 1 && x.shape()[-1] == in && in > 0 &&
            x.dtype() == w.dtype(),
        std::string(op) + ": x", x.dtype(), x.shape(), "does not fit weight", w.dtype(), w.shape());
  check(b.empty() || (b.shape() == Shape{out} && b.dtype() == w.dtype()), std::string(op) + ": bias",
        b.shape(), "does not fit weight", w.shape());
}

/// What GELU was applied to: held, or computed when it is first asked for, and held from then on.
class BeforeGelu {
 public:
  BeforeGelu(Tensor held, std::function<Tensor()> again) : held_(std::move(held)) {
    if (held_.empty()) again_ = std::move(again);
  }
  const Tensor& get() {
    if (held_.empty()) held_ = again_();
    return held_;
  }

 private:
  Tensor held_;
  std::function<Tensor()> again_;
};

/// The gradients of x, w and b from that of x w^T + b.
class LinearRule {
 public:
  /// `mixed` as product() left it.
  LinearRule(const Tensor& x, const Tensor& w, const Tensor& mixed)
      : kept_(keep_input(x, trained_part(w), w.shape().columns(), mixed)),
        w_(keep(w, x.tracked())),
        leaf_(w.node() ? w.node()->leaf : nullptr),
        x_shape_(x.shape()),
        w_shape_(w.shape()),
        version_(leaf_ ? leaf_->version : 0) {}

  void operator()(const Tensor& dy, const Needs& needs, Grads& grads) const {
    check(!leaf_ || leaf_->version == version_,
          "linear: the part of the weight that trains changed between forward and backward");
    const auto* rows = needs(1) ? std::get_if<Selection::MixedRows>(&needs.part(1).kind()) : nullptr;
    Tensor mixed = rows ? room_for_mixtures(dy, rows->mix) : Tensor();
    // An x that is recomputed for the weight is gone before the gradient of x takes as much. Mixtures of dy
    // are made on the way through that gradient.
    if (!rows) parameter_gradients(dy, needs, grads, mixed);
    if (needs(0))
      grads[0] = input_gradient(dy, w_, x_shape_, rows ? &rows->mix : nullptr, mixed);
    else if (rows)
      mix_rows(dy, rows->mix, mixed);
    if (rows) parameter_gradients(dy, needs, grads, mixed);
  }

 private:
  void parameter_gradients(const Tensor& dy, const Needs& needs, Grads& grads, const Tensor& mixed) const {
    const PhaseTimer timer(Phase::weight_gradients);
    if (needs(1)) grads[1] = weight_gradient(dy, kept_, needs.part(1), w_shape_, mixed);
    if (needs(2)) grads[2] = bias_gradient(dy, w_shape_.rows());
  }

  KeptInput kept_;
  Tensor w_;
  std::shared_ptr<ParameterState> leaf_;
  Shape x_shape_, w_shape_;
  std::uint64_t version_;
};

}  // namespace

Tensor linear(const Tensor& x, const Tensor& w, const Tensor& b) {
  check_linear(op::linear, x, w, b);
  Tensor mixed;
  const Tensor y = product(x, w, b, mixed, []<class T>(T) { return kernels::Epilogue<T>(); });
  return record(op::linear, {x, w, b}, y,
                [rule = LinearRule(x, w, mixed)](const Tensor& dy, const Needs& needs) -> Grads {
                  Grads grads(3);
                  rule(dy, needs, grads);
                  return grads;
                });
}

Tensor linear_gelu(const Tensor& x, const Tensor& w, const Tensor& b, Hold hold) {
  check_linear(op::linear_gelu, x, w, b);
  Tensor before;
  if (hold == Hold::all && grad_enabled() && (x.tracked() || w.tracked() || b.tracked())) {
    std::vector<Index> dims = x.shape().dims();
    dims.back() = w.shape().rows();
    before = Tensor::unset(Shape(std::move(dims)), x.dtype());
  }
  Tensor mixed;
  const Tensor y = product(x, w, b, mixed, [&]<class T>(T) {
    return kernels::Epilogue<T>{.gelu = true,
                                .before_gelu = before.empty() ? nullptr : before.data<T>().data()};
  });
  const auto found =
      std::make_shared<BeforeGelu>(before, [x = keep_cheaply(x), w = w.detached(), b = b.detached()] {
        Tensor none;
        return product(x(), w, b, none, []<class T>(T) { return kernels::Epilogue<T>(); });
      });
  const Tensor out = record(op::linear_gelu, {x, w, b}, y,
                            [rule = LinearRule(x, w, mixed), found](Tensor dy, const Needs& needs) -> Grads {
                              Grads grads(3);
                              rule(gelu_gradient(found->get(), std::move(dy)), needs, grads);
                              return grads;
                            });
  return recomputed(out, [found] { return gelu(found->get()); });
}

Tensor linear_residual(const Tensor& residual, const Tensor& x, const Tensor& w, const Tensor& b,
                       const Tensor& factors) {
  check_linear(op::linear_residual, x, w, b);
  std::vector<Index> dims = x.shape().dims();
  dims.back() = w.shape().rows();
  check(residual.shape() == Shape(dims) && residual.dtype() == x.dtype(), "linear_residual: residual",
        residual.dtype(), residual.shape(), "does not fit x", x.shape(), "and weight", w.shape());
  check(factors.empty() ||
            (x.shape().rank() >= 2 && factors.shape() == Shape{x.shape()[0]} && !factors.tracked()),
        "linear_residual: factors", factors.shape(), "do not fit x", x.shape());
  const Tensor each = factors.empty() ? factors : for_each_row(factors, x.shape());
  Tensor mixed;
  const Tensor y = product(x, w, b, mixed, [&]<class T>(T) {
    return kernels::Epilogue<T>{.factors = each.empty() ? nullptr : each.data<T>().data(),
                                .residual = residual.data<T>().data()};
  });
  return record(op::linear_residual, {x, w, b, residual}, y,
                [rule = LinearRule(x, w, mixed), factors](const Tensor& dy, const Needs& needs) -> Grads {
                  Grads grads(4);
                  if (needs(0) || needs(1) || needs(2))
                    rule(factors.empty() ? dy : times_samples(dy, factors), needs, grads);
                  grads[3] = dy;
                  return grads;
                });
}

}  // namespace engine
