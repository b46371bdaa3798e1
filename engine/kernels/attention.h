#pragma once

#include "engine/base/check.h"

namespace engine::kernels {

/// Sizes of attention. Keys and values are [batch, tokens, heads, width], the output [batch, queries, heads,
/// width] for the first `queries` tokens that have one.
struct AttentionShape {
  Index batch, tokens, heads, width;
  Index queries = tokens;
};

/// The tokens [batch, any, heads, width] of queries, keys or values, wherever they lie.
template <class T>
struct HeadRows {
  T* data;
  Index row;    ///< values from token to token
  Index image;  ///< values from image to image
};
template <class T>
struct AttentionRows {
  HeadRows<T> q, k, v;
};

/// Those of qkv [batch, tokens, 3, heads, width].
template <class T>
AttentionRows<T> thirds_of(const AttentionShape& s, T* qkv) {
  const Index width = s.heads * s.width, row = 3 * width, image = s.tokens * row;
  return {{qkv, row, image}, {qkv + width, row, image}, {qkv + 2 * width, row, image}};
}

/// What is added to the scores of the last `down` x `across` tokens, patches row by row, and of the first,
/// the class token, by their places to each other (BEiT, Bao et al. 2021). `table` [heads, entries()]: entry
/// (y + down - 1) (2 across - 1) + x + across - 1 for a query that lies y patches below and x to the right of
/// a key, then that of the class token as the query, as the key, and as both. Tokens between have none. Where
/// only `kept` patches of each image are there, `places` [batch, kept] holds where in the grid they lie.
template <class T>
struct RelativeBias {
  T* table = nullptr;
  Index down = 0, across = 0;
  const Index* places = nullptr;
  Index kept = down * across;
  Index entries() const { return (2 * down - 1) * (2 * across - 1) + 3; }
};

/// y = softmax(q k^T / sqrt(width) + bias) v for every image and head (Vaswani et al. 2017, equation 1). The
/// logarithm of each softmax's denominator goes to `log_sum_exp` [batch, heads, queries]; the probabilities
/// are not kept.
template <class T>
void attention(const AttentionShape& s, const AttentionRows<const T>& in, const RelativeBias<const T>& bias,
               T* y, T* log_sum_exp);

/// Gradients of queries, keys and values from dy, the output y and `log_sum_exp`; the probabilities are
/// computed again, one head at a time. That of the bias of every image and head goes to `dtables` [batch,
/// heads, entries()] where it is asked for.
template <class T>
void attention_backward(const AttentionShape& s, const AttentionRows<const T>& in,
                        const RelativeBias<const T>& bias, const T* y, const T* log_sum_exp, const T* dy,
                        const AttentionRows<T>& gradient, T* dtables);

/// The plain version of attention, query by query.
template <class T>
void attention_plain(const AttentionShape& s, const AttentionRows<const T>& in,
                     const RelativeBias<const T>& bias, T* y);

}  // namespace engine::kernels
