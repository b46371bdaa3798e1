#pragma once

#include "engine/kernels/parallel.h"

namespace engine::kernels {

/// y[i] = f(i) for i in [0, n).
template <class T, class F>
void fill(Index n, T* y, F f) {
  parallel_chunks(n, kChunk, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) y[i] = f(i);
  });
}

/// y = a + b, value by value; y may be a.
template <class T>
void add(Index n, const T* a, const T* b, T* y);

/// y = x Phi(x), value by value: the exact GELU.
template <class T>
void gelu(Index n, const T* x, T* y);
/// dx = dy (Phi(x) + x phi(x)); dx may be dy.
template <class T>
void gelu_backward(Index n, const T* x, const T* dy, T* dx);

}  // namespace engine::kernels
