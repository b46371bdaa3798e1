#include "engine/kernels/elementwise.h"

#include <cmath>

#include "engine/kernels/simd.h"

namespace engine::kernels {

template <class T>
void add(Index n, const T* a, const T* b, T* y) {
  parallel_chunks(n, kChunk, [&](Index begin, Index end) {
    simd<T>().add(end - begin, a + begin, b + begin, y + begin);
  });
}

template <class T>
void activate(Activation activation, Index n, const T* x, T* y) {
  parallel_chunks(n, kChunk, [&](Index begin, Index end) {
    simd<T>().activate(activation, end - begin, x + begin, y + begin);
  });
}

template <class T>
void activate_backward(Activation activation, Index n, const T* x, const T* dy, T* dx) {
  parallel_chunks(n, kChunk, [&](Index begin, Index end) {
    simd<T>().activate_backward(activation, end - begin, x + begin, dy + begin, dx + begin);
  });
}

template <class T>
T activation_plain(Activation activation, T x) {
  if (activation == Activation::gelu) return x * std::erfc(-x * static_cast<T>(std::sqrt(0.5))) / 2;
  const Gate gate = gate_of(activation);
  return x / (1 + std::exp(-x * (static_cast<T>(gate.linear) + static_cast<T>(gate.cubic) * x * x)));
}

template void add(Index, const float*, const float*, float*);
template void add(Index, const double*, const double*, double*);
template void activate(Activation, Index, const float*, float*);
template void activate(Activation, Index, const double*, double*);
template void activate_backward(Activation, Index, const float*, const float*, float*);
template void activate_backward(Activation, Index, const double*, const double*, double*);
template float activation_plain(Activation, float);
template double activation_plain(Activation, double);

}  // namespace engine::kernels
