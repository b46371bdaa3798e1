#include "engine/ops/linear.h"

#include <algorithm>

#include "engine/base/phase.h"
#include "engine/kernels/gemm.h"
#include "engine/kernels/reduce.h"
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

/// a^T b for a [n, rows] and b [n, columns].
Tensor transposed_product(const Tensor& a, Index rows, const Tensor& b, Index columns) {
  Tensor product = Tensor::unset({rows, columns}, a.dtype());
  visit(a.dtype(), [&]<class T>() {
    kernels::gemm(matrix<T>(a, rows).transposed(), matrix<T>(b, columns), product.data<T>().data(), columns);
  });
  return product;
}

/// What the gradient of a weight [out, in] reads of x [n, in]: all its columns, or those that the trained
/// part needs.
struct KeptInput {
  Tensor x;                    ///< [n, in] or [n, columns.size()]
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

KeptInput keep_input(const Tensor& x, const Selection& part, Index in) {
  KeptInput kept;
  if (!part.any()) return kept;
  kept.columns = columns_read(part, in);
  kept.all = kept.columns.empty();
  kept.x = kept.all ? x.detached() : take_columns(x, in, kept.columns);
  return kept;
}

/// A multiply-add of a sampled dot product costs about as much as this many of the dense product.
constexpr Index kSampledCost = 64;

Tensor element_gradient(const Tensor& dy, Index out, const KeptInput& kept, Index in,
                        const std::vector<Index>& elements) {
  const Index count = static_cast<Index>(elements.size());
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
      kernels::sampled_gemm(count, row.data(), column.data(), matrix<T>(dy, out), matrix<T>(kept.x, width),
                            to);
    } else {
      const Tensor dense = transposed_product(dy, out, kept.x, width);
      const T* from = dense.data<T>().data();
      for (std::size_t e = 0; e < elements.size(); ++e) to[e] = from[row[e] * width + column[e]];
    }
  });
  return gradient;
}

/// dw = dy^T x, only the part that trains: dy[:, rows]^T x, dy^T x[:, columns], or sampled products.
Grad weight_gradient(const Tensor& dy, const KeptInput& kept, const Selection& part, const Shape& w) {
  const Index out = w.rows(), in = w.columns();
  if (const auto* rows = std::get_if<Selection::Rows>(&part.kind())) {
    return Grad::packed(
        transposed_product(take_columns(dy, out, rows->at), static_cast<Index>(rows->at.size()), kept.x, in));
  }
  if (const auto* columns = std::get_if<Selection::Columns>(&part.kind())) {
    return Grad::packed(transposed_product(dy, out, kept.x, static_cast<Index>(columns->at.size())));
  }
  if (const auto* elements = std::get_if<Selection::Elements>(&part.kind())) {
    return Grad::packed(element_gradient(dy, out, kept, in, elements->at));
  }
  return transposed_product(dy, out, kept.x, in).reshaped(w);
}

Tensor input_gradient(const Tensor& dy, const Tensor& w, const Shape& x) {
  Tensor dx = Tensor::unset(x, dy.dtype());
  const Index in = w.shape().columns();
  visit(dy.dtype(), [&]<class T>() {
    kernels::gemm(matrix<T>(dy, w.shape().rows()), matrix<T>(w, in), dx.data<T>().data(), in);
  });
  return dx;
}

Tensor bias_gradient(const Tensor& dy, Index out) {
  Tensor db = Tensor::unset({out}, dy.dtype());
  visit(dy.dtype(), [&]<class T>() {
    const T* d = dy.data<T>().data();
    kernels::column_sums(dy.numel() / out, out, db.data<T>().data(),
                         [=](Index i, Index j) { return d[i * out + j]; });
  });
  return db;
}

}  // namespace

Tensor linear(const Tensor& x, const Tensor& w, const Tensor& b) {
  const Index out = w.shape().rows(), in = w.shape().columns();
  check(w.shape().rank() >= 2 && x.shape().rank() >= 1 && x.shape()[-1] == in && x.dtype() == w.dtype(),
        "linear: x", x.dtype(), x.shape(), "does not fit weight", w.dtype(), w.shape());
  check(b.empty() || (b.shape() == Shape{out} && b.dtype() == w.dtype()), "linear: bias", b.shape(),
        "does not fit weight", w.shape());
  std::vector<Index> dims = x.shape().dims();
  dims.back() = out;
  Tensor y = Tensor::unset(Shape(std::move(dims)), x.dtype());
  visit(x.dtype(), [&]<class T>() {
    kernels::gemm(matrix<T>(x, in), matrix<T>(w, in).transposed(), y.data<T>().data(), out,
                  {.bias = b.empty() ? nullptr : b.data<T>().data()});
  });
  const std::uint64_t version = w.tracked() && w.node()->leaf ? w.node()->leaf->version : 0;
  return record(
      op::linear, {x, w, b}, y,
      [kept = keep_input(x, trained_part(w), in), w = keep(w, x.tracked()), leaf = w.node(),
       x_shape = x.shape(), w_shape = w.shape(), version](const Tensor& dy, const Needs& needs) -> Grads {
        check(!leaf || !leaf->leaf || leaf->leaf->version == version,
              "linear: the part of the weight that trains changed between forward and backward");
        Grads grads(3);
        if (needs(0)) grads[0] = input_gradient(dy, w, x_shape);
        const PhaseTimer timer(Phase::weight_gradients);
        if (needs(1)) grads[1] = weight_gradient(dy, kept, needs.part(1), w_shape);
        if (needs(2)) grads[2] = bias_gradient(dy, w_shape.rows());
        return grads;
      });
}

}  // namespace engine
