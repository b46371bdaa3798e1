#include "engine/ops/linear.h"

#include <algorithm>

#include "engine/base/phase.h"
#include "engine/kernels/gemm.h"
#include "engine/kernels/reduce.h"
#include "engine/ops/activation.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/op.h"

namespace engine {
namespace {

/// `t` as a matrix of `columns` columns, whatever its axes.
template <class T>
kernels::Matrix<T> matrix(const Tensor& t, Index columns) {
  return {t.data<T>().data(), columns == 0 ? 0 : t.numel() / columns, columns, columns};
}

/// The chosen columns of `t` [rows, columns], side by side.
Tensor take_columns(const Tensor& t, Index columns, const std::vector<Index>& at) {
  const Index rows = t.numel() / columns, count = static_cast<Index>(at.size());
  Tensor taken = Tensor::unset({rows, count}, t.dtype());
  visit(t.dtype(), [&]<class T>() {
    const T* from = t.data<T>().data();
    T* to = taken.data<T>().data();
    kernels::parallel_chunks(rows, 64, [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) {
        for (Index c = 0; c < count; ++c)
          to[i * count + c] = from[i * columns + at[static_cast<std::size_t>(c)]];
      }
    });
  });
  return taken;
}

/// Room for the sketches [n, r] of the rows of t [n, columns].
Tensor room_for_mixtures(const Tensor& t, const CountSketch& mix) {
  return Tensor::unset({t.numel() / mix.size(), mix.count()}, t.dtype());
}

/// What has a product t b write the sketches of t's rows to `mixed` on the way.
template <class T>
kernels::Mixtures<T> mixtures(const CountSketch& mix, Tensor& mixed) {
  return {mix.view<T>(), mixed.data<T>().data()};
}

/// a^T b for a [n, rows] and b [n, columns].
Tensor transposed_product(const Tensor& a, Index rows, const Tensor& b, Index columns) {
  Tensor product = Tensor::unset({rows, columns}, a.dtype());
  visit(a.dtype(), [&]<class T>() {
    kernels::gemm(matrix<T>(a, rows).transposed(), matrix<T>(b, columns), product.data<T>().data(), columns);
  });
  return product;
}

/// What the gradient of a weight [out, in] reads of x [n, in]: all its columns, those that the trained part
/// needs, or mixtures of them.
struct KeptInput {
  Kept x;                      ///< [n, in], [n, columns.size()] or [n, r]
  bool all = true;             ///< x has all its columns
  std::vector<Index> columns;  ///< ascending; the columns of x that are kept when not all are
};

/// The columns in which elements of a matrix with `in` columns stand, ascending.
std::vector<Index> columns_of(const std::vector<Index>& elements, Index in) {
  std::vector<bool> used(static_cast<std::size_t>(in));
  for (Index e : elements) used[static_cast<std::size_t>(e % in)] = true;
  std::vector<Index> columns;
  for (Index j = 0; j < in; ++j) {
    if (used[static_cast<std::size_t>(j)]) columns.push_back(j);
  }
  return columns;
}

/// The columns of x that the gradient of `part` reads; none are listed when it reads all.
std::vector<Index> columns_read(const Selection& part, Index in) {
  std::vector<Index> columns;
  if (const auto* some = std::get_if<Selection::Columns>(&part.kind())) columns = some->at;
  if (const auto* few = std::get_if<Selection::Elements>(&part.kind())) columns = columns_of(few->at, in);
  if (static_cast<Index>(columns.size()) == in) columns.clear();
  return columns;
}

/// `mixed` holds the mixtures of x when those are read.
KeptInput keep_input(const Tensor& x, const Selection& part, Index in, const Tensor& mixed) {
  KeptInput kept;
  if (!part.any()) return kept;
  if (!mixed.empty()) {
    kept.x = Kept(mixed);
    kept.all = false;
    return kept;
  }
  kept.columns = columns_read(part, in);
  kept.all = kept.columns.empty();
  kept.x = kept.all ? keep_cheaply(x) : Kept(take_columns(x, in, kept.columns));
  return kept;
}

/// A multiply-add of a sampled dot product costs about as much as this many of the dense product.
constexpr Index kSampledCost = 64;

Tensor element_gradient(const Tensor& dy, Index out, const KeptInput& kept, Index in,
                        const std::vector<Index>& elements) {
  const Index count = static_cast<Index>(elements.size());
  const Tensor x = kept.x();
  const Index width = kept.all ? in : static_cast<Index>(kept.columns.size());
  std::vector<Index> row(elements.size()), column(elements.size()), place(static_cast<std::size_t>(in));
  for (Index j = 0; j < width; ++j)
    place[static_cast<std::size_t>(kept.all ? j : kept.columns[static_cast<std::size_t>(j)])] = j;
  for (std::size_t e = 0; e < elements.size(); ++e) {
    row[e] = elements[e] / in;
    column[e] = place[static_cast<std::size_t>(elements[e] % in)];
  }
  Tensor gradient = Tensor::unset({count}, dy.dtype());
  visit(dy.dtype(), [&]<class T>() {
    T* to = gradient.data<T>().data();
    if (count * kSampledCost < out * width) {
      kernels::sampled_gemm(count, row.data(), column.data(), matrix<T>(dy, out), matrix<T>(x, width), to);
    } else {
      const Tensor dense = transposed_product(dy, out, x, width);
      const T* from = dense.data<T>().data();
      for (std::size_t e = 0; e < elements.size(); ++e) to[e] = from[row[e] * width + column[e]];
    }
  });
  return gradient;
}

/// dw = dy^T x, only the part that trains: dy[:, rows]^T x, dy^T x[:, columns], or sampled products. Its
/// mixtures are dy^T (x R^T) and (dy R^T)^T x; `mixed` is dy R^T.
Grad weight_gradient(const Tensor& dy, const KeptInput& kept, const Selection& part, const Shape& w,
                     const Tensor& mixed) {
  const Index out = w.rows(), in = w.columns();
  if (const auto* rows = std::get_if<Selection::Rows>(&part.kind())) {
    return Grad::packed(transposed_product(take_columns(dy, out, rows->at),
                                           static_cast<Index>(rows->at.size()), kept.x(), in));
  }
  if (const auto* columns = std::get_if<Selection::Columns>(&part.kind())) {
    return Grad::packed(transposed_product(dy, out, kept.x(), static_cast<Index>(columns->at.size())));
  }
  if (const auto* elements = std::get_if<Selection::Elements>(&part.kind())) {
    return Grad::packed(element_gradient(dy, out, kept, in, elements->at));
  }
  if (const auto* columns = std::get_if<Selection::MixedColumns>(&part.kind()))
    return Grad::packed(transposed_product(dy, out, kept.x(), columns->mix.count()));
  if (!mixed.empty()) return Grad::packed(transposed_product(mixed, mixed.shape().columns(), kept.x(), in));
  return transposed_product(dy, out, kept.x(), in).reshaped(w);
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
