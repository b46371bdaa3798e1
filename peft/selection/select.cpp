#include "peft/selection/select.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>
#include <span>

#include "engine/base/div_up.h"
#include "engine/kernels/parallel.h"
#include "peft/selection/largest.h"

namespace peft {

using engine::Index;
using engine::Selection;
using engine::Tensor;
using engine::kernels::parallel_chunks;

namespace {

constexpr Index kRows = 64, kColumns = 128;  // looked at by one task

template <class T>
double square(T x) {
  return static_cast<double>(x) * static_cast<double>(x);
}

/// The sum of squares in eight chains side by side, so that one addition need not wait for another.
template <class T>
double squares_of_row(const T* g, Index columns) {
  constexpr Index kChains = 8;
  double chain[kChains] = {};
  Index j = 0;
  for (; j + kChains <= columns; j += kChains) {
    for (Index c = 0; c < kChains; ++c) chain[c] += square(g[j + c]);
  }
  for (; j < columns; ++j) chain[0] += square(g[j]);
  return ((chain[0] + chain[1]) + (chain[2] + chain[3])) + ((chain[4] + chain[5]) + (chain[6] + chain[7]));
}

std::vector<double> row_scores(const Tensor& gradient) {
  const Index rows = gradient.shape().rows(), columns = gradient.shape().columns();
  std::vector<double> scores(static_cast<std::size_t>(rows));
  engine::visit(gradient.dtype(), [&]<class T>() {
    parallel_chunks(rows, kRows, [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) {
        scores[static_cast<std::size_t>(i)] =
            squares_of_row(gradient.data<T>().data() + i * columns, columns);
      }
    });
  });
  return scores;
}

std::vector<double> column_scores(const Tensor& gradient) {
  const Index rows = gradient.shape().rows(), columns = gradient.shape().columns();
  std::vector<double> scores(static_cast<std::size_t>(columns));
  engine::visit(gradient.dtype(), [&]<class T>() {
    const T* const g = gradient.data<T>().data();
    parallel_chunks(columns, kColumns, [&](Index begin, Index end) {
      double* const sums = scores.data();
      Index i = 0;
      for (; i + 4 <= rows; i += 4) {  // one after the other, in a register
        const T *a = g + i * columns, *b = a + columns, *c = b + columns, *d = c + columns;
        for (Index j = begin; j < end; ++j)
          sums[j] = (((sums[j] + square(a[j])) + square(b[j])) + square(c[j])) + square(d[j]);
      }
      for (; i < rows; ++i) {
        for (Index j = begin; j < end; ++j) sums[j] += square(g[i * columns + j]);
      }
    });
  });
  return scores;
}

std::vector<double> magnitudes(const Tensor& gradient) {
  std::vector<double> scores;
  scores.reserve(static_cast<std::size_t>(gradient.numel()));
  engine::visit(gradient.dtype(), [&]<class T>() {
    for (const T g : gradient.data<T>()) scores.push_back(std::abs(static_cast<double>(g)));
  });
  return scores;
}

}  // namespace

Selection top_rows(const Tensor& gradient, Index count) {
  return Selection::rows(largest(row_scores(gradient), count));
}

Selection top_columns(const Tensor& gradient, Index count) {
  return Selection::columns(largest(column_scores(gradient), count));
}

Selection top_per_row(const Tensor& gradient, Index count) {
  const Index rows = gradient.shape().rows(), columns = gradient.shape().columns();
  std::vector<std::vector<Index>> pieces(static_cast<std::size_t>(engine::div_up(rows, kRows)));
  engine::visit(gradient.dtype(), [&]<class T>() {
    const std::span<const T> all = gradient.data<T>();
    parallel_chunks(rows, kRows, [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i)
        append_largest_magnitudes(
            all.subspan(static_cast<std::size_t>(i * columns), static_cast<std::size_t>(columns)), count,
            i * columns, pieces[static_cast<std::size_t>(begin / kRows)]);
    });
  });
  std::vector<Index> elements;
  for (const std::vector<Index>& piece : pieces) elements.insert(elements.end(), piece.begin(), piece.end());
  return Selection::elements(std::move(elements));
}

Selection top_elements(const Tensor& gradient, Index count) {
  return Selection::elements(gradient.dtype() == engine::Dtype::f32
                                 ? largest_magnitudes(gradient.data<float>(), count)
                                 : largest(magnitudes(gradient), count));
}

std::vector<std::vector<Index>> top_overall(const std::vector<Tensor>& tensors, Index count) {
  std::vector<float> all;
  for (const Tensor& t : tensors) {
    const std::span<const float> values = t.data<float>();
    all.insert(all.end(), values.begin(), values.end());
  }
  std::vector<std::vector<Index>> chosen(tensors.size());
  std::size_t t = 0;
  Index begin = 0;  // of tensor t
  for (const Index place : largest_magnitudes(all, count)) {
    while (place >= begin + tensors[t].numel()) begin += tensors[t++].numel();
    chosen[t].push_back(place - begin);
  }
  return chosen;
}

std::vector<float> scores_of(const Tensor& gradient, const Selection& selection) {
  const bool rows = std::holds_alternative<Selection::Rows>(selection.kind());
  std::vector<float> scores;
  if (rows || std::holds_alternative<Selection::Columns>(selection.kind())) {
    const Tensor part = selection.gather(gradient);
    for (const double score : rows ? row_scores(part) : column_scores(part))
      scores.push_back(static_cast<float>(score));
    return scores;
  }
  engine::visit(gradient.dtype(), [&]<class T>() {
    for (const Index i : selection.indices())
      scores.push_back(static_cast<float>(std::abs(gradient.data<T>()[static_cast<std::size_t>(i)])));
  });
  return scores;
}

Index common_units(const Selection& a, const Selection& b) {
  if (a.kind().index() != b.kind().index()) return 0;
  std::vector<Index> both;
  std::ranges::set_intersection(a.indices(), b.indices(), std::back_inserter(both));
  return static_cast<Index>(both.size());
}

double squares_of(const Tensor& gradient) {
  const std::vector<double> rows = row_scores(gradient);
  return std::accumulate(rows.begin(), rows.end(), 0.0);
}

double captured_share(const Tensor& gradient, const Selection& selection) {
  const double all = squares_of(gradient);
  return all > 0 ? squares_of(selection.gather(gradient)) / all : 0;
}

}  // namespace peft
