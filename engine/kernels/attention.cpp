#include "engine/kernels/attention.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/base/div_up.h"
#include "engine/kernels/fetch.h"
#include "engine/kernels/panels.h"
#include "engine/kernels/parallel.h"
#include "engine/kernels/simd.h"
#include "engine/kernels/tile_rows.h"

namespace engine::kernels {
namespace {

/// One head of one image as [tokens, width] matrices inside the larger buffers.
template <class T>
struct Head {
  Head(const AttentionShape& s, Index i, const AttentionRows<const T>& in)
      : image(i / s.heads), head(i % s.heads), width(s.heads * s.width) {
    q = {at(s, in.q), s.queries, s.width, in.q.row};
    k = {at(s, in.k), s.tokens, s.width, in.k.row};
    v = {at(s, in.v), s.tokens, s.width, in.v.row};
  }
  /// This head in a buffer of queries, keys or values.
  template <class U>
  U* at(const AttentionShape& s, const HeadRows<U>& rows) const {
    return rows.data + image * rows.image + head * s.width;
  }
  /// Where this head's values start in a buffer like the output.
  Index offset(const AttentionShape& s) const { return image * s.queries * width + head * s.width; }

  Index image, head;
  Index width;  ///< values from token to token in the output
  Matrix<T> q, k, v;
};

/// Calls `f(key, query, entry)` for every pair of an image's key and one of `count` queries from `first` on
/// that has an entry in a table of relative positions.
template <class T, class F>
void each_entry(const AttentionShape& s, const RelativeBias<T>& bias, Index image, Index first, Index count,
                F f) {
  const Index down = bias.down, across = bias.across;
  const Index last = (2 * down - 1) * (2 * across - 1), begin = s.tokens - bias.kept;
  const Index* const places = bias.places ? bias.places + image * bias.kept : nullptr;
  const auto place = [=](Index token) { return places ? places[token - begin] : token - begin; };
  for (Index key = 0; key < s.tokens; ++key) {
    if (key > 0 && key < begin) continue;
    for (Index query = first; query < first + count; ++query) {
      if (query == 0)
        f(key, query, key == 0 ? last + 2 : last);
      else if (query >= begin && key == 0)
        f(key, query, last + 1);
      else if (query >= begin) {
        const Index a = place(query), b = place(key);
        f(key, query,
          (a / across - b / across + down - 1) * (2 * across - 1) + a % across - b % across + across - 1);
      }
    }
  }
}

template <class T>
T scale_of(const AttentionShape& s) {
  return static_cast<T>(1 / std::sqrt(static_cast<double>(s.width)));
}

/// Adds a head's bias to scores [keys, queries] that are scaled later.
template <class T>
void add_bias(const AttentionShape& s, const Head<T>& h, const RelativeBias<const T>& bias, Index first,
              Index count, T* scores, Index stride) {
  if (!bias.table) return;
  const T* const table = bias.table + h.head * bias.entries();
  each_entry(s, bias, h.image, first, count, [&](Index key, Index query, Index entry) {
    scores[key * stride + query - first] += table[entry] / scale_of<T>(s);
  });
}

/// Scores or probabilities of one head, [keys, queries], with room for whole tiles in both directions.
template <class T>
struct Scores {
  Scores(const Simd<T>& s, Index keys, Index queries)
      : stride(round_up(round_up(queries, s.tiles.rows), s.tiles.lanes)),
        values(round_up(keys, s.tiles.rows) * stride) {}

  T* from(Index query) const { return values.data() + query; }
  Strided<T> by_keys() const { return {values.data(), stride, 1}; }
  Strided<T> by_queries() const { return {values.data(), 1, stride}; }

  Index stride;
  Buffer<T> values;
};

/// The right-hand side of a product, packed in panels of as even a width as whole vectors allow: one stays in
/// the first cache while all rows of the left-hand side go by.
template <class T>
class PackedRhs {
 public:
  PackedRhs(const Simd<T>& s, const Matrix<T>& m)
      : depth_(m.rows),
        columns_(m.columns),
        lanes_(s.tiles.lanes),
        vectors_(div_up(columns_, lanes_)),
        panels_(div_up(vectors_, s.tiles.vectors)),
        values_(depth_ * vectors_ * lanes_) {
    for (Index i = 0; i < panels_; ++i)
      pack(s, m, 0, depth_, first(i), std::min(width(i), columns_ - first(i)), width(i), panel(i));
  }

  Index depth() const { return depth_; }
  Index columns() const { return columns_; }
  Index panels() const { return panels_; }
  Index first(Index i) const { return vectors_ * i / panels_ * lanes_; }  ///< column of panel i
  Index width(Index i) const { return first(i + 1) - first(i); }
  T* panel(Index i) const { return values_.data() + first(i) * depth_; }

 private:
  Index depth_, columns_, lanes_, vectors_, panels_;
  Buffer<T> values_;
};

/// Calls `f(first, count, width)` for every panel of `count` queries, made up to whole vectors: `width`.
template <class T, class F>
void each_panel(const Simd<T>& s, Index queries, F f) {
  for (Index first = 0; first < queries; first += s.tiles.columns()) {
    const Index count = std::min(s.tiles.columns(), queries - first);
    f(first, count, round_up(count, s.tiles.lanes));
  }
}

/// c [up to whole tiles, width] = left [any, depth] times a panel [depth, width].
template <class T>
void times(const Simd<T>& s, const TileRows<T>& left, Index depth, const T* panel, Index width, T* c,
           Index c_stride) {
  for (Index i = 0; i < left.count(); i += s.tiles.rows)
    s.short_tiles.run[width / s.tiles.lanes - 1](depth, left.at(i, 0), panel, width, c + i * c_stride,
                                                 c_stride, false);
}

/// c [rows, columns of right] = left [rows, depth of right] times right; whole tiles of rows can be read.
template <class T>
void multiply(const Simd<T>& s, const Strided<T>& left, Index rows, const PackedRhs<T>& right, T* c,
              Index c_stride) {
  const Index step = s.tiles.rows;
  for (Index p = 0; p < right.panels(); ++p) {
    const Index j = right.first(p), width = right.width(p);
    for (Index i = 0; i < rows; i += step)
      run_tile(s.short_tiles, right.depth(),
               {left.data + i * left.row_stride, left.row_stride, left.column_stride}, right.panel(p), width,
               c + i * c_stride + j, c_stride, std::min(step, rows - i), std::min(width, right.columns() - j),
               false);
  }
}

}  // namespace

// Scores stand transposed, [keys, queries]: a softmax goes down columns, so no sum goes across lanes. They
// are computed in panels of as many queries as a register tile is wide, and read in either direction by the
// products behind them.

template <class T>
void attention(const AttentionShape& s, const AttentionRows<const T>& in, const RelativeBias<const T>& bias,
               T* y, T* log_sum_exp) {
  const Simd<T>& simd = kernels::simd<T>();
  count_multiply_adds(2 * s.batch * s.heads * s.queries * s.tokens * s.width);
  parallel_for(s.batch * s.heads, [&](Index i) {
    const Head<T> h(s, i, in);
    for (const Matrix<T>& m : {h.q, h.k, h.v}) fetch(m);  // their rows lie too far apart to be foreseen
    const TileRows<T> keys(simd, h.k);
    const PackedRhs<T> values(simd, h.v);
    const Index most = simd.tiles.columns();
    const Scores<T> p(simd, s.tokens, most);  // of one panel
    const Buffer<T> query(s.width * most), logs(most), inverse(most);
    each_panel(simd, s.queries, [&](Index first, Index count, Index width) {
      pack(simd, h.q.transposed(), 0, s.width, first, count, width, query.data());
      times(simd, keys, s.width, query.data(), width, p.from(0), p.stride);
      add_bias(s, h, bias, first, count, p.from(0), p.stride);
      simd.softmax(s.tokens, width, scale_of<T>(s), p.from(0), p.stride, logs.data(), inverse.data());
      std::copy_n(logs.data(), count, log_sum_exp + i * s.queries + first);
      T* const out = y + h.offset(s) + first * h.width;
      multiply(simd, p.by_queries(), count, values, out, h.width);
      simd.epilogue(count, s.width, out, h.width, {.factors = inverse.data()});
    });
  });
}

template <class T>
void attention_backward(const AttentionShape& s, const AttentionRows<const T>& in,
                        const RelativeBias<const T>& bias, const T* y, const T* log_sum_exp, const T* dy,
                        const AttentionRows<T>& gradient, T* dtables) {
  const Simd<T>& simd = kernels::simd<T>();
  count_multiply_adds(5 * s.batch * s.heads * s.queries * s.tokens * s.width);
  parallel_for(s.batch * s.heads, [&](Index i) {
    const Head<T> h(s, i, in);
    const Matrix<T> dy_head{dy + h.offset(s), s.queries, s.width, h.width};
    for (const Matrix<T>& m : {h.q, h.k, h.v, dy_head}) fetch(m);
    const TileRows<T> keys(simd, h.k), values(simd, h.v);
    const Scores<T> p(simd, s.tokens, s.queries), ds(simd, s.tokens, s.queries);
    const Buffer<T> panel(s.width * simd.tiles.columns()), logs(p.stride), dot(p.stride);
    std::fill_n(logs.data(), p.stride, T{0});
    std::fill_n(dot.data(), p.stride, T{0});
    std::copy_n(log_sum_exp + i * s.queries, s.queries, logs.data());
    for (Index t = 0; t < s.queries; ++t) {
      // The sum over keys of p dp is dy . y: no second pass over the probabilities.
      const Index at = h.offset(s) + t * h.width;
      dot.data()[t] = simd.dot(s.width, dy + at, y + at);
    }
    each_panel(simd, s.queries, [&](Index first, Index count, Index width) {
      pack(simd, h.q.transposed(), 0, s.width, first, count, width, panel.data());
      times(simd, keys, s.width, panel.data(), width, p.from(first), p.stride);
      add_bias(s, h, bias, first, count, p.from(first), p.stride);
      simd.softmax_from_lse(s.tokens, width, scale_of<T>(s), logs.data() + first, p.from(first), p.stride);
      pack(simd, dy_head.transposed(), 0, s.width, first, count, width, panel.data());
      times(simd, values, s.width, panel.data(), width, ds.from(first), p.stride);
      simd.softmax_backward(s.tokens, width, scale_of<T>(s), dot.data() + first, p.from(first),
                            ds.from(first), p.stride);
    });
    if (dtables) {
      // The bias is added behind the scale, which the gradients of the scores have.
      T* const table = dtables + i * bias.entries();
      std::fill_n(table, bias.entries(), T{0});
      each_entry(s, bias, h.image, 0, s.queries, [&](Index key, Index query, Index entry) {
        table[entry] += ds.from(query)[key * ds.stride] / scale_of<T>(s);
      });
    }
    multiply(simd, ds.by_queries(), s.queries, PackedRhs<T>(simd, h.k), h.at(s, gradient.q), gradient.q.row);
    multiply(simd, ds.by_keys(), s.tokens, PackedRhs<T>(simd, h.q), h.at(s, gradient.k), gradient.k.row);
    multiply(simd, p.by_keys(), s.tokens, PackedRhs<T>(simd, dy_head), h.at(s, gradient.v), gradient.v.row);
  });
}

template <class T>
void attention_plain(const AttentionShape& s, const AttentionRows<const T>& in,
                     const RelativeBias<const T>& bias, T* y) {
  std::vector<T> p(static_cast<std::size_t>(s.tokens));
  for (Index i = 0; i < s.batch * s.heads; ++i) {
    const Head<T> h(s, i, in);
    for (Index t = 0; t < s.queries; ++t) {
      for (Index u = 0; u < s.tokens; ++u) {
        T score = 0;
        for (Index c = 0; c < s.width; ++c)
          score += h.q.data[t * h.q.row_stride + c] * h.k.data[u * h.k.row_stride + c];
        p[static_cast<std::size_t>(u)] = score * scale_of<T>(s);
      }
      if (bias.table) {
        each_entry(s, bias, h.image, t, 1, [&](Index key, Index, Index entry) {
          p[static_cast<std::size_t>(key)] += bias.table[h.head * bias.entries() + entry];
        });
      }
      const T top = *std::ranges::max_element(p);
      T total = 0;
      for (T& score : p) total += score = std::exp(score - top);
      for (Index c = 0; c < s.width; ++c) {
        T sum = 0;
        for (Index u = 0; u < s.tokens; ++u)
          sum += p[static_cast<std::size_t>(u)] / total * h.v.data[u * h.v.row_stride + c];
        y[h.offset(s) + t * h.width + c] = sum;
      }
    }
  }
}

template decltype(attention<float>) attention<float>;
template decltype(attention<double>) attention<double>;
template decltype(attention_backward<float>) attention_backward<float>;
template decltype(attention_backward<double>) attention_backward<double>;
template decltype(attention_plain<float>) attention_plain<float>;
template decltype(attention_plain<double>) attention_plain<double>;

}  // namespace engine::kernels
