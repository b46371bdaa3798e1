#include "engine/kernels/attention.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/kernels/panels.h"
#include "engine/kernels/parallel.h"
#include "engine/kernels/simd.h"

namespace engine::kernels {
namespace {

/// One head of one picture as [tokens, width] matrices inside the larger buffers.
template <class T>
struct Head {
  Head(const AttentionShape& s, Index i, const T* qkv)
      : picture(i / s.heads), head(i % s.heads), row(3 * s.heads * s.width), width(s.heads * s.width) {
    const T* first = qkv + picture * s.tokens * row + head * s.width;
    q = {first, s.queries, s.width, row};
    k = {first + width, s.tokens, s.width, row};
    v = {first + 2 * width, s.tokens, s.width, row};
  }
  /// Where this head's numbers start in a buffer like the output.
  Index offset(const AttentionShape& s) const { return picture * s.queries * width + head * s.width; }

  Index picture, head;
  Index row;    ///< numbers from token to token in qkv
  Index width;  ///< the same in the output
  Matrix<T> q, k, v;
};

template <class T>
T scale_of(const AttentionShape& s) {
  return static_cast<T>(1 / std::sqrt(static_cast<double>(s.width)));
}

Index up(Index count, Index unit) {
  return (count + unit - 1) / unit * unit;
}

/// The left-hand side of a product inside one head, packed for register tiles: groups of tile rows, [depth,
/// rows] each, the last filled with zeros.
template <class T>
class Left {
 public:
  Left(const Simd<T>& s, Index rows, Index depth)
      : s_(s), rows_(rows), depth_(depth), buffer_(padded() * depth) {}
  /// All of `m` [rows, depth].
  Left(const Simd<T>& s, const Matrix<T>& m) : Left(s, m.rows, m.columns) { put(m, 0); }

  /// Columns [at, at + m.columns) from `m` [rows, any].
  void put(const Matrix<T>& m, Index at) {
    const Index step = s_.tiles.rows;
    for (Index i = 0; i < rows_; i += step)
      pack(s_, m.transposed(), 0, m.columns, i, std::min(step, rows_ - i), step,
           buffer_.data() + i * depth_ + at * step);
  }
  Index padded() const { return up(rows_, s_.tiles.rows); }

  /// c [padded(), width] = this times `right`, a panel [depth, width].
  void times(const T* right, Index width, T* c, Index c_stride) const {
    const Index step = s_.tiles.rows;
    for (Index i = 0; i < rows_; i += step) {
      s_.tiles.run[width / s_.tiles.lanes - 1](depth_, {buffer_.data() + i * depth_, 1, step}, right, width,
                                               c + i * c_stride, c_stride, false);
    }
  }

 private:
  const Simd<T>& s_;
  Index rows_, depth_;
  Buffer<T> buffer_;
};

/// Calls `f(first, count, width)` for every panel of `count` queries, made up to whole vectors: `width`.
template <class T, class F>
void each_panel(const Simd<T>& s, Index queries, F f) {
  for (Index first = 0; first < queries; first += s.tiles.columns()) {
    const Index count = std::min(s.tiles.columns(), queries - first);
    f(first, count, up(count, s.tiles.lanes));
  }
}

/// left times the columns of `right`, written to `to` [left's rows, right's columns].
template <class T>
void multiply(const Simd<T>& s, const Left<T>& left, Index rows, const Matrix<T>& right, T* to,
              Index to_stride) {
  const Buffer<T> panel(right.rows * s.tiles.columns()), product(left.padded() * s.tiles.columns());
  each_panel(s, right.columns, [&](Index first, Index count, Index width) {
    pack(s, right, 0, right.rows, first, count, width, panel.data());
    left.times(panel.data(), width, product.data(), width);
    s.copy(rows, count, product.data(), width, to + first, to_stride);
  });
}

}  // namespace

// Scores stand transposed, [keys, queries], in panels of as many queries as a register tile is wide: a
// softmax goes down a panel, and the panel is the right-hand side of the next product as it stands.

template <class T>
void attention(const AttentionShape& s, const T* qkv, T* y, T* log_sum) {
  const Simd<T>& simd = kernels::simd<T>();
  count_multiply_adds(2 * s.batch * s.heads * s.queries * s.tokens * s.width);
  parallel_for(s.batch * s.heads, [&](Index i) {
    const Head<T> h(s, i, qkv);
    const Left<T> keys(simd, h.k), values(simd, h.v.transposed());
    const Index most = simd.tiles.columns();
    const Buffer<T> query(s.width * most), p(keys.padded() * most), out(values.padded() * most), logs(most),
        inverse(most);
    each_panel(simd, s.queries, [&](Index first, Index count, Index width) {
      pack(simd, h.q.transposed(), 0, s.width, first, count, width, query.data());
      keys.times(query.data(), width, p.data(), width);
      simd.softmax(s.tokens, width, scale_of<T>(s), p.data(), logs.data(), inverse.data());
      std::copy_n(logs.data(), count, log_sum + i * s.queries + first);
      values.times(p.data(), width, out.data(), width);
      simd.scale_columns(s.width, width, inverse.data(), out.data());
      simd.transpose(s.width, count, out.data(), width, y + h.offset(s) + first * h.width, h.width);
    });
  });
}

template <class T>
void attention_backward(const AttentionShape& s, const T* qkv, const T* y, const T* log_sum, const T* dy,
                        T* dqkv) {
  const Simd<T>& simd = kernels::simd<T>();
  count_multiply_adds(5 * s.batch * s.heads * s.queries * s.tokens * s.width);
  parallel_for(s.batch * s.heads, [&](Index i) {
    const Head<T> h(s, i, qkv);
    const Matrix<T> slope{dy + h.offset(s), s.queries, s.width, h.width};
    const Left<T> keys(simd, h.k), values(simd, h.v), keys_across(simd, h.k.transposed());
    Left<T> all_p(simd, s.tokens, s.queries), all_ds(simd, s.tokens, s.queries);  // [keys, queries]
    const Index most = simd.tiles.columns();
    const Buffer<T> right(s.width * most), p(keys.padded() * most), ds(keys.padded() * most),
        dq(keys_across.padded() * most), logs(most), dot(most);
    each_panel(simd, s.queries, [&](Index first, Index count, Index width) {
      std::fill_n(logs.data(), width, T{0});
      std::fill_n(dot.data(), width, T{0});
      std::copy_n(log_sum + i * s.queries + first, count, logs.data());
      for (Index t = 0; t < count; ++t) {
        // The sum over keys of p dp is dy . y: no second pass over the probabilities.
        const Index at = h.offset(s) + (first + t) * h.width;
        dot.data()[t] = simd.dot(s.width, dy + at, y + at);
      }
      pack(simd, h.q.transposed(), 0, s.width, first, count, width, right.data());
      keys.times(right.data(), width, p.data(), width);
      simd.softmax_again(s.tokens, width, scale_of<T>(s), logs.data(), p.data());
      pack(simd, slope.transposed(), 0, s.width, first, count, width, right.data());
      values.times(right.data(), width, ds.data(), width);
      simd.softmax_backward(s.tokens, width, scale_of<T>(s), dot.data(), p.data(), ds.data());
      all_p.put({p.data(), s.tokens, count, width}, first);
      all_ds.put({ds.data(), s.tokens, count, width}, first);
      keys_across.times(ds.data(), width, dq.data(), width);
      simd.transpose(s.width, count, dq.data(), width, dqkv + (h.q.data - qkv) + first * h.row, h.row);
    });
    for (Index t = s.queries; t < s.tokens; ++t)
      std::fill_n(dqkv + (h.q.data - qkv) + t * h.row, s.width, T{0});
    multiply(simd, all_p, s.tokens, slope, dqkv + (h.v.data - qkv), h.row);
    multiply(simd, all_ds, s.tokens, h.q, dqkv + (h.k.data - qkv), h.row);
  });
}

template <class T>
void attention_plain(const AttentionShape& s, const T* qkv, T* y) {
  std::vector<T> p(static_cast<std::size_t>(s.tokens));
  for (Index i = 0; i < s.batch * s.heads; ++i) {
    const Head<T> h(s, i, qkv);
    for (Index t = 0; t < s.queries; ++t) {
      T top = -INFINITY, total = 0;
      for (Index u = 0; u < s.tokens; ++u) {
        T score = 0;
        for (Index c = 0; c < s.width; ++c) score += h.q.data[t * h.row + c] * h.k.data[u * h.row + c];
        p[static_cast<std::size_t>(u)] = score * scale_of<T>(s);
        top = std::max(top, p[static_cast<std::size_t>(u)]);
      }
      for (T& score : p) total += score = std::exp(score - top);
      for (Index c = 0; c < s.width; ++c) {
        T sum = 0;
        for (Index u = 0; u < s.tokens; ++u)
          sum += p[static_cast<std::size_t>(u)] / total * h.v.data[u * h.row + c];
        y[h.offset(s) + t * h.width + c] = sum;
      }
    }
  }
}

template void attention(const AttentionShape&, const float*, float*, float*);
template void attention(const AttentionShape&, const double*, double*, double*);
template void attention_backward(const AttentionShape&, const float*, const float*, const float*,
                                 const float*, float*);
template void attention_backward(const AttentionShape&, const double*, const double*, const double*,
                                 const double*, double*);
template void attention_plain(const AttentionShape&, const float*, float*);
template void attention_plain(const AttentionShape&, const double*, double*);

}  // namespace engine::kernels
