#include "peft/selection/largest.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <numeric>

#include "engine/base/div_up.h"
#include "engine/kernels/parallel.h"

namespace peft {

using engine::Index;
using engine::kernels::parallel_chunks;

namespace {

constexpr Index kElements = 1 << 18;  // looked at by one task

template <class T>
void check_number(T score, Index unit) {
  engine::check(!std::isnan(score), "select: the score of unit", unit, "is not a number");
}

void check_count(Index count) {
  engine::check(count >= 0, "select: a count of 0 or more is needed, not", count);
}

/// A magnitude as a whole number in the same order: the bits without the sign. What is not a number ranks
/// above the infinite.
std::int32_t rank_of(float x) {
  return std::bit_cast<std::int32_t>(std::abs(x));
}
std::int64_t rank_of(double x) {
  return std::bit_cast<std::int64_t>(std::abs(x));
}

/// The places of the `count` largest magnitudes, by all of them side by side.
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
/// hold nothing larger than the smallest of these; the largest rank of a piece decides.
template <class T>
void append_few(const T* row, Index columns, Index count, Index offset, std::vector<Index>& places) {
  using Rank = decltype(rank_of(T{}));
  constexpr Index kPiece = 32;
  std::vector<std::pair<Rank, Index>> best;  // in descending order
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

/// What every piece of kElements values gives: `look(piece)`, in their order.
template <class R, class F>
std::vector<R> of_pieces(std::span<const float> values, F look) {
  const Index count = static_cast<Index>(values.size());
  std::vector<R> found(static_cast<std::size_t>(engine::div_up(count, kElements)));
  parallel_chunks(count, kElements, [&](Index begin, Index end) {
    found[static_cast<std::size_t>(begin / kElements)] =
        look(values.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)));
  });
  return found;
}

/// How many magnitudes there are of every class, and the largest rank. A class has the upper bits in common.
struct Census {
  static constexpr int kLower = 19;
  static std::size_t class_of(float x) { return static_cast<std::size_t>(rank_of(x) >> kLower); }

  std::vector<Index> count = std::vector<Index>(std::size_t{1} << (31 - kLower));
  std::int32_t largest = 0;

  void take(std::span<const float> values) {
    for (const float x : values) {
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
std::pair<std::int32_t, Index> rank_of_largest(std::span<const float> values, Index count) {
  Census all;
  for (const Census& piece : of_pieces<Census>(values, [](std::span<const float> piece) {
         Census census;
         census.take(piece);
         return census;
       }))
    all.take(piece);
  if (!std::isfinite(std::bit_cast<float>(all.largest))) {
    for (std::size_t i = 0; i < values.size(); ++i) check_number(values[i], static_cast<Index>(i));
  }
  std::size_t c = all.count.size() - 1;
  Index above = 0;
  while (above + all.count[c] < count) above += all.count[c--];
  std::vector<std::int32_t> sharing;
  sharing.reserve(static_cast<std::size_t>(all.count[c]));
  for (const auto& piece : of_pieces<std::vector<std::int32_t>>(values, [c](std::span<const float> piece) {
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

}  // namespace

std::vector<Index> largest(const std::vector<double>& scores, Index count) {
  check_count(count);
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

std::vector<Index> largest_magnitudes(std::span<const float> values, Index count) {
  check_count(count);
  count = std::min(count, static_cast<Index>(values.size()));
  if (count == 0) {
    for (std::size_t i = 0; i < values.size(); ++i) check_number(values[i], static_cast<Index>(i));
    return {};
  }
  const auto [last, above] = rank_of_largest(values, count);
  const std::int32_t rank = last;
  Index ties = count - above;
  std::vector<Index> chosen;
  chosen.reserve(static_cast<std::size_t>(count));
  Index offset = 0;
  for (const auto& piece : of_pieces<std::vector<Index>>(values, [rank, ties](std::span<const float> piece) {
         std::vector<Index> places;
         Index here = 0;
         for (std::size_t i = 0; i < piece.size(); ++i) {
           const std::int32_t r = rank_of(piece[i]);
           if (r > rank || (r == rank && here++ < ties)) places.push_back(static_cast<Index>(i));
         }
         return places;
       })) {
    for (const Index i : piece) {
      if (rank_of(values[static_cast<std::size_t>(offset + i)]) > rank || ties-- > 0)
        chosen.push_back(offset + i);
    }
    offset += kElements;
  }
  return chosen;
}

template <class T>
void append_largest_magnitudes(std::span<const T> row, Index count, Index offset,
                               std::vector<Index>& places) {
  check_count(count);
  constexpr Index kFew = 64;
  const Index columns = static_cast<Index>(row.size());
  const auto append = count > kFew ? append_many<T> : append_few<T>;
  append(row.data(), columns, std::min(count, columns), offset, places);
}
template void append_largest_magnitudes(std::span<const float>, Index, Index, std::vector<Index>&);
template void append_largest_magnitudes(std::span<const double>, Index, Index, std::vector<Index>&);

}  // namespace peft
