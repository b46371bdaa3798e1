#pragma once

#include "engine/base/check.h"

namespace engine::kernels {

/// Sizes of self-attention: qkv is [batch, tokens, 3, heads, width], the output [batch, queries, heads,
/// width] for the first `queries` tokens.
struct AttentionShape {
  Index batch, tokens, heads, width;
  Index queries = tokens;
};

/// y = softmax(q k^T / sqrt(width)) v for every image and head (Vaswani et al. 2017, equation 1). The
/// logarithm of each softmax's denominator goes to `log_sum_exp` [batch, heads, queries]; the probabilities
/// are not kept.
template <class T>
void attention(const AttentionShape& s, const T* qkv, T* y, T* log_sum_exp);

/// dqkv from dy, the output y and `log_sum_exp`; the probabilities are computed again, one head at a time.
template <class T>
void attention_backward(const AttentionShape& s, const T* qkv, const T* y, const T* log_sum_exp, const T* dy,
                        T* dqkv);

/// The plain version of attention, query by query.
template <class T>
void attention_plain(const AttentionShape& s, const T* qkv, T* y);

}  // namespace engine::kernels
