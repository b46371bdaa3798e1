#include "peft/select.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <span>

#include "engine/kernels/parallel.h"

namespace peft {

using engine::Index;
using engine::Selection;
using engine::Tensor;
using engine::kernels::parallel_chunks;

namespace {

constexpr Index kRows = 64, kColumns = 128, kElements = 1 << 18;  // looked at by one task

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

template <class T>
void check_number(T score, Index unit) {
  engine::check(!std::isnan(score), "select: the score of unit", unit, "is not a number");
}

/// A magnitude as a whole number in the same order: the bits without the sign. What is not a number ranks
/// above the infinite.
std::int32_t rank_of(float x) {
  return std::bit_cast<std::int32_t>(std::abs(x));
}
std::int64_t rank_of(double x) {
  return std::bit_cast<std::int64_t>(std::abs(x));
}

/// The places of the `count` largest magnitudes of a row, ascending, ties to the lower place.
template <class T>
void append_many(const T* row, Index columns, Index count, Index offset, std::vector<Index>& places) {
  std::vector<std::pair<decltype(rank_of(T{})), Index>> all;  // (rank, minus the place): the larger is better
  for (Index j = 0; j < columns; ++j) {
    check_number(row[j], j);
    all.emplace_back(rank_of(row[j]), -j);
  }
  std::ranges::nth_element(all, all.begin() + count, std::ranges::greater());
  const auto first = static_cast<std::ptrdiff_t>(places.size());
  for (Index i = 0; i < count; ++i) places.push_back(offset - all[static_cast<std::size_t>(i)].second);
  std::sort(places.begin() + first, places.end());
}

/// The same for a count that is small: one pass that keeps the best so far in order. Most pieces of a row
/// hold nothing better than the weakest of these; the largest rank of a piece tells it.
template <class T>
void append_few(const T* row, Index columns, Index count, Index offset, std::vector<Index>& places) {
  using Rank = decltype(rank_of(T{}));
  constexpr Index kPiece = 32;
  std::vector<std::pair<Rank, Index>> best;  // falling
  const auto beats = [&](Rank rank) {
    return static_cast<Index>(best.size()) < count || (count > 0 && rank > best.back().first);
  };
  for (Index begin = 0; begin < columns; begin += kPiece) {
    const Index end = std::min(begin + kPiece, columns);
    Rank most = 0;
    for (Index j = begin; j < end; ++j) most = std::max(most, rank_of(row[j]));
    if (!beats(most) && std::isfinite(std::bit_cast<T>(most))) continue;
    for (Index j = begin; j < end; ++j) {
      check_number(row[j], j);
      const Rank rank = rank_of(row[j]);
      if (!beats(rank)) continue;
      if (static_cast<Index>(best.size()) == count) best.pop_back();
      best.insert(std::ranges::find_if(best, [=](const auto& b) { return rank > b.first; }), {rank, j});
    }
  }
  const auto first = static_cast<std::ptrdiff_t>(places.size());
  for (const auto& [rank, j] : best) places.push_back(offset + j);
  std::sort(places.begin() + first, places.end());
}

/// What every piece of kElements numbers gives: `look(piece)`, in their order.
template <class R, class F>
std::vector<R> of_pieces(std::span<const float> numbers, F look) {
  const Index count = static_cast<Index>(numbers.size());
  std::vector<R> found(static_cast<std::size_t>((count + kElements - 1) / kElements));
  parallel_chunks(count, kElements, [&](Index begin, Index end) {
    found[static_cast<std::size_t>(begin / kElements)] =
        look(numbers.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)));
  });
  return found;
}

/// How many magnitudes there are of every class, and the largest rank. A class has the upper bits in common.
struct Census {
  static constexpr int kLower = 19;
  static std::size_t class_of(float x) { return static_cast<std::size_t>(rank_of(x) >> kLower); }

  std::vector<Index> count = std::vector<Index>(std::size_t{1} << (31 - kLower));
  std::int32_t largest = 0;

  void take(std::span<const float> numbers) {
    for (const float x : numbers) {
      ++count[class_of(x)];
      largest = std::max(largest, rank_of(x));
    }
  }
  void take(const Census& other) {
    for (std::size_t c = 0; c < count.size(); ++c) count[c] += other.count[c];
    largest = std::max(largest, other.largest);
  }
};

/// The rank of the `count`-th largest magnitude, and how many are larger. Two passes: the classes are
/// counted, then those of the class of the one that is looked for are put in order.
std::pair<std::int32_t, Index> rank_of_largest(std::span<const float> numbers, Index count) {
  Census all;
  for (const Census& piece : of_pieces<Census>(numbers, [](std::span<const float> piece) {
         Census census;
         census.take(piece);
         return census;
       }))
    all.take(piece);
  if (!std::isfinite(std::bit_cast<float>(all.largest))) {
    for (std::size_t i = 0; i < numbers.size(); ++i) check_number(numbers[i], static_cast<Index>(i));
  }
  std::size_t c = all.count.size() - 1;
  Index above = 0;
  while (above + all.count[c] < count) above += all.count[c--];
  std::vector<std::int32_t> sharing;
  sharing.reserve(static_cast<std::size_t>(all.count[c]));
  for (const auto& piece : of_pieces<std::vector<std::int32_t>>(numbers, [c](std::span<const float> piece) {
         std::vector<std::int32_t> ranks;
         for (const float x : piece) {
           if (Census::class_of(x) == c) ranks.push_back(rank_of(x));
         }
         return ranks;
       }))
    sharing.insert(sharing.end(), piece.begin(), piece.end());
  const auto at = sharing.begin() + (count - above - 1);
  std::nth_element(sharing.begin(), at, sharing.end(), std::greater<>());
  const std::int32_t rank = *at;
  return {rank, above + std::ranges::count_if(sharing, [=](std::int32_t r) { return r > rank; })};
}

/// The places of the `count` largest magnitudes, ascending, ties to the lower place.
std::vector<Index> largest_magnitudes(std::span<const float> numbers, Index count) {
  count = std::min(count, static_cast<Index>(numbers.size()));
  if (count == 0) return {};
  const auto [last, above] = rank_of_largest(numbers, count);
  const std::int32_t rank = last;
  Index ties = count - above;
  std::vector<Index> chosen;
  chosen.reserve(static_cast<std::size_t>(count));
  Index offset = 0;
  for (const auto& piece : of_pieces<std::vector<Index>>(numbers, [rank, ties](std::span<const float> piece) {
         std::vector<Index> places;
         Index here = 0;
         for (std::size_t i = 0; i < piece.size(); ++i) {
           const std::int32_t r = rank_of(piece[i]);
           if (r > rank || (r == rank && here++ < ties)) places.push_back(static_cast<Index>(i));
         }
         return places;
       })) {
    for (const Index i : piece) {
      if (rank_of(numbers[static_cast<std::size_t>(offset + i)]) > rank || ties-- > 0)
        chosen.push_back(offset + i);
    }
    offset += kElements;
  }
  return chosen;
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
  engine::check(count >= 0, "select: a count of 0 or more is needed, not", count);
  const Index rows = gradient.shape().rows(), columns = gradient.shape().columns();
  std::vector<std::vector<Index>> pieces(static_cast<std::size_t>((rows + kRows - 1) / kRows));
  engine::visit(gradient.dtype(), [&]<class T>() {
    constexpr Index kFew = 64;
    const auto append = count > kFew ? append_many<T> : append_few<T>;
    parallel_chunks(rows, kRows, [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i)
        append(gradient.data<T>().data() + i * columns, columns, std::min(count, columns), i * columns,
               pieces[static_cast<std::size_t>(begin / kRows)]);
    });
  });
  std::vector<Index> elements;
  for (const std::vector<Index>& piece : pieces) elements.insert(elements.end(), piece.begin(), piece.end());
  return Selection::elements(std::move(elements));
}

Selection strongest_elements(const Tensor& gradient, Index count) {
  engine::check(count >= 0, "select: a count of 0 or more is needed, not", count);
  return Selection::elements(gradient.dtype() == engine::Dtype::f32
                                 ? largest_magnitudes(gradient.data<float>(), count)
                                 : largest(magnitudes(gradient), count));
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

double energy_of(const Tensor& gradient, const Selection& selection) {
  const double all = squares_of(gradient);
  return all > 0 ? squares_of(selection.gather(gradient)) / all : 0;
}

}  // namespace peft
