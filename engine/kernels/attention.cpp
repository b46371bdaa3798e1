#include "engine/kernels/attention.h"

#include <cmath>
#include <vector>

#include "engine/kernels/gemm.h"
#include "engine/kernels/parallel.h"
#include "engine/kernels/simd.h"
#include "engine/tensor/storage.h"

namespace engine::kernels {
namespace {

/// One head of one picture as [tokens, width] matrices inside the larger buffers.
template <class T>
struct Head {
  Head(const AttentionShape& s, Index i, const T* qkv)
      : picture(i / s.heads), head(i % s.heads), row(3 * s.heads * s.width), width(s.heads * s.width) {
    const T* first = qkv + picture * s.tokens * row + head * s.width;
    q = {first, s.tokens, s.width, row};
    k = {first + width, s.tokens, s.width, row};
    v = {first + 2 * width, s.tokens, s.width, row};
  }
  /// Where this head's numbers start in a buffer like the output.
  Index offset(const AttentionShape& s) const { return picture * s.tokens * width + head * s.width; }

  Index picture, head;
  Index row;    ///< numbers from token to token in qkv
  Index width;  ///< the same in the output
  Matrix<T> q, k, v;
};

template <class T>
T scale_of(const AttentionShape& s) {
  return static_cast<T>(1 / std::sqrt(static_cast<double>(s.width)));
}

/// A [tokens, tokens] matrix for one head's scores.
template <class T>
struct Scores {
  explicit Scores(Index n) : tokens(n), bytes(allocate(static_cast<std::size_t>(n * n) * sizeof(T))) {}
  T* data() const { return reinterpret_cast<T*>(bytes.get()); }
  T* row(Index i) const { return data() + i * tokens; }
  Matrix<T> matrix() const { return {data(), tokens, tokens, tokens}; }
  Index tokens;
  std::shared_ptr<std::byte> bytes;
};

}  // namespace

template <class T>
void attention(const AttentionShape& s, const T* qkv, T* y, T* log_sum) {
  parallel_for(s.batch * s.heads, [&](Index i) {
    const Head<T> h(s, i, qkv);
    const Scores<T> p(s.tokens);
    gemm(h.q, h.k.transposed(), p.data(), s.tokens);
    for (Index t = 0; t < s.tokens; ++t) {
      log_sum[i * s.tokens + t] = simd<T>().softmax(s.tokens, scale_of<T>(s), p.row(t));
    }
    gemm(p.matrix(), h.v, y + h.offset(s), h.width);
  });
}

template <class T>
void attention_backward(const AttentionShape& s, const T* qkv, const T* y, const T* log_sum, const T* dy,
                        T* dqkv) {
  parallel_for(s.batch * s.heads, [&](Index i) {
    const Head<T> h(s, i, qkv);
    const Matrix<T> dout{dy + h.offset(s), s.tokens, s.width, h.width};
    T* dq = dqkv + (h.q.data - qkv);
    T* dk = dqkv + (h.k.data - qkv);
    T* dv = dqkv + (h.v.data - qkv);
    const Scores<T> p(s.tokens), dp(s.tokens);
    gemm(h.q, h.k.transposed(), p.data(), s.tokens);
    for (Index t = 0; t < s.tokens; ++t) {
      simd<T>().softmax_again(s.tokens, scale_of<T>(s), log_sum[i * s.tokens + t], p.row(t));
    }
    gemm(p.matrix().transposed(), dout, dv, h.row);
    gemm(dout, h.v.transposed(), dp.data(), s.tokens);
    for (Index t = 0; t < s.tokens; ++t) {
      // sum over j of p dp = dy . y: no second pass over the row of probabilities.
      const T dot = simd<T>().dot(s.width, dout.data + t * h.width, y + h.offset(s) + t * h.width);
      simd<T>().softmax_backward(s.tokens, scale_of<T>(s), dot, dp.row(t), p.row(t));
    }
    gemm(p.matrix(), h.k, dq, h.row);
    gemm(p.matrix().transposed(), h.q, dk, h.row);
  });
}

template <class T>
void attention_plain(const AttentionShape& s, const T* qkv, T* y) {
  std::vector<T> p(static_cast<std::size_t>(s.tokens));
  for (Index i = 0; i < s.batch * s.heads; ++i) {
    const Head<T> h(s, i, qkv);
    for (Index t = 0; t < s.tokens; ++t) {
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
