#pragma once

#include "engine/kernels/activation.h"
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

/// y = activation(x), value by value; not of none.
template <class T>
void activate(Activation activation, Index n, const T* x, T* y);
/// dx = dy activation'(x); dx may be dy.
template <class T>
void activate_backward(Activation activation, Index n, const T* x, const T* dy, T* dx);
/// The plain version of activate, for one value.
template <class T>
T activation_plain(Activation activation, T x);

}  // namespace engine::kernels
