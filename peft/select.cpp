#include "peft/select.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace peft {

using engine::Index;
using engine::Selection;
using engine::Tensor;

namespace {

template <class T>
double square(T x) {
  return static_cast<double>(x) * static_cast<double>(x);
}

std::vector<double> row_scores(const Tensor& gradient) {
  const Index rows = gradient.shape().rows(), columns = gradient.shape().columns();
  std::vector<double> scores(static_cast<std::size_t>(rows));
  engine::visit(gradient.dtype(), [&]<class T>() {
    const T* g = gradient.data<T>().data();
    for (double& score : scores) {
      for (Index j = 0; j < columns; ++j) score += square(*g++);
    }
  });
  return scores;
}

std::vector<double> column_scores(const Tensor& gradient) {
  const Index rows = gradient.shape().rows();
  std::vector<double> scores(static_cast<std::size_t>(gradient.shape().columns()));
  engine::visit(gradient.dtype(), [&]<class T>() {
    const T* g = gradient.data<T>().data();
    for (Index i = 0; i < rows; ++i) {
      for (double& score : scores) score += square(*g++);
    }
  });
  return scores;
}

/// The magnitudes of elements [begin, end).
std::vector<double> magnitudes(const Tensor& gradient, Index begin, Index end) {
  std::vector<double> scores;
  scores.reserve(static_cast<std::size_t>(end - begin));
  engine::visit(gradient.dtype(), [&]<class T>() {
    const T* g = gradient.data<T>().data();
    for (Index i = begin; i < end; ++i) scores.push_back(std::abs(static_cast<double>(g[i])));
  });
  return scores;
}

}  // namespace

std::vector<Index> largest(const std::vector<double>& scores, Index count) {
  engine::check(count >= 0, "select: a count of 0 or more is needed, not", count);
  const auto bad = std::ranges::find_if(scores, [](double s) { return std::isnan(s); });
  engine::check(bad == scores.end(), "select: the score of unit", bad - scores.begin(), "is not a number");
  std::vector<Index> order(scores.size());
  std::iota(order.begin(), order.end(), Index{0});
  const auto taken = std::min(static_cast<std::ptrdiff_t>(count), static_cast<std::ptrdiff_t>(order.size()));
  std::nth_element(order.begin(), order.begin() + taken, order.end(), [&](Index a, Index b) {
    const double x = scores[static_cast<std::size_t>(a)], y = scores[static_cast<std::size_t>(b)];
    return x != y ? x > y : a < b;
  });
  order.resize(static_cast<std::size_t>(taken));
  std::ranges::sort(order);
  return order;
}

Selection strongest_rows(const Tensor& gradient, Index count) {
  return Selection::rows(largest(row_scores(gradient), count));
}

Selection strongest_columns(const Tensor& gradient, Index count) {
  return Selection::columns(largest(column_scores(gradient), count));
}

Selection strongest_per_row(const Tensor& gradient, Index count) {
  const Index columns = gradient.shape().columns();
  std::vector<Index> elements;
  for (Index begin = 0; begin < gradient.numel(); begin += columns) {
    for (Index j : largest(magnitudes(gradient, begin, begin + columns), count))
      elements.push_back(begin + j);
  }
  return Selection::elements(std::move(elements));
}

Selection strongest_elements(const Tensor& gradient, Index count) {
  return Selection::elements(largest(magnitudes(gradient, 0, gradient.numel()), count));
}

std::vector<std::vector<Index>> strongest_overall(const std::vector<Tensor>& tensors, Index count) {
  std::vector<float> all;
  for (const Tensor& t : tensors) {
    for (const float x : t.data<float>()) all.push_back(std::abs(x));
  }
  engine::check(std::ranges::none_of(all, [](float x) { return std::isnan(x); }),
                "select: a score is not a number");
  std::vector<std::vector<Index>> chosen(tensors.size());
  count = std::min(count, static_cast<Index>(all.size()));
  if (count <= 0) return chosen;
  std::ranges::nth_element(all, all.begin() + (count - 1), std::greater<>());
  const float last = all[static_cast<std::size_t>(count - 1)];  // the weakest that is taken
  Index ties = count - std::ranges::count_if(all, [=](float x) { return x > last; });
  for (std::size_t t = 0; t < tensors.size(); ++t) {
    const auto numbers = tensors[t].data<float>();
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const float x = std::abs(numbers[i]);
      if (x > last || (x == last && ties-- > 0)) chosen[t].push_back(static_cast<Index>(i));
    }
  }
  return chosen;
}

std::vector<float> scores_of(const Tensor& gradient, const Selection& selection) {
  std::vector<double> all;
  if (std::holds_alternative<Selection::Rows>(selection.kind()))
    all = row_scores(gradient);
  else if (std::holds_alternative<Selection::Columns>(selection.kind()))
    all = column_scores(gradient);
  else
    all = magnitudes(gradient, 0, gradient.numel());
  std::vector<float> scores;
  for (Index i : selection.indices()) scores.push_back(static_cast<float>(all[static_cast<std::size_t>(i)]));
  return scores;
}

double squares_of(const Tensor& gradient) {
  const std::vector<double> rows = row_scores(gradient);
  return std::accumulate(rows.begin(), rows.end(), 0.0);
}

double energy_of(const Tensor& gradient, const Selection& selection) {
  const double all = squares_of(gradient);
  return all > 0 ? squares_of(selection.gather(gradient)) / all : 0;
}

}  // namespace peft
