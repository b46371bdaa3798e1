#include "engine/ops/weight_gradient.h"

#include <algorithm>

#include "engine/base/phase.h"
#include "engine/kernels/gemm.h"
#include "engine/kernels/parallel.h"
#include "engine/ops/matrix.h"
#include "engine/tensor/op_work.h"

namespace engine {
namespace {

/// The chosen columns of `t` [rows, columns], side by side.
Tensor take_columns(const Tensor& t, Index columns, const std::vector<Index>& at) {
  const Index rows = t.numel() / columns, count = static_cast<Index>(at.size());
  Tensor taken = Tensor::uninitialized({rows, count}, t.dtype());
  visit(t.dtype(), [&]<class T>() {
    const OpTimer timer([&] { return loop_work("take columns", taken, 2 * taken.bytes()); });
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
  Tensor gradient = Tensor::uninitialized({count}, dy.dtype());
  visit(dy.dtype(), [&]<class T>() {
    T* to = gradient.data<T>().data();
    if (count * kSampledCost < out * width) {
      const OpTimer timer([&] {  // of dy at most a column for every element is read
        const std::size_t columns = static_cast<std::size_t>(std::min(count, out));
        const Index depth = dy.numel() / out;
        const std::size_t read = columns * static_cast<std::size_t>(depth) * sizeof(T);
        return OpWork{"linear dW, sampled", {count, depth}, count * depth, read + bytes_of(x, gradient)};
      });
      kernels::sampled_gemm(count, row.data(), column.data(), matrix<T>(dy, out), matrix<T>(x, width), to);
    } else {
      const Tensor dense = transposed_product(dy, out, x, width);
      const T* from = dense.data<T>().data();
      for (std::size_t e = 0; e < elements.size(); ++e) to[e] = from[row[e] * width + column[e]];
    }
  });
  return gradient;
}

}  // namespace

Tensor transposed_product(const Tensor& a, Index rows, const Tensor& b, Index columns) {
  Tensor product = Tensor::uninitialized({rows, columns}, a.dtype());
  visit(a.dtype(), [&]<class T>() {
    const OpTimer timer(
        [&] { return product_work("linear dW", rows, columns, a.numel() / rows, bytes_of(a, b, product)); });
    kernels::gemm(matrix<T>(a, rows).transposed(), matrix<T>(b, columns), product.data<T>().data(), columns);
  });
  return product;
}

KeptInput keep_input(const Tensor& x, const Selection& part, Index in) {
  KeptInput kept;
  if (!part.any()) return kept;
  kept.columns = columns_read(part, in);
  kept.all = kept.columns.empty();
  kept.x = kept.all ? keep_cheaply(x) : Kept(take_columns(x, in, kept.columns));
  return kept;
}

Grad weight_gradient(const Tensor& dy, const KeptInput& kept, const Selection& part, const Shape& w) {
  const PhaseTimer timer(Phase::weight_gradients);
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
  return transposed_product(dy, out, kept.x(), in).reshaped(w);
}

}  // namespace engine
