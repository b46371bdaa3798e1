#include "engine/kernels/elementwise.h"

#include "engine/kernels/simd.h"

namespace engine::kernels {

template <class T>
void add(Index n, const T* a, const T* b, T* y) {
  parallel_chunks(n, kChunk, [&](Index begin, Index end) {
    simd<T>().add(end - begin, a + begin, b + begin, y + begin);
  });
}

template <class T>
void gelu(Index n, const T* x, T* y) {
  parallel_chunks(n, kChunk,
                  [&](Index begin, Index end) { simd<T>().gelu(end - begin, x + begin, y + begin); });
}

template <class T>
void gelu_backward(Index n, const T* x, const T* dy, T* dx) {
  parallel_chunks(n, kChunk, [&](Index begin, Index end) {
    simd<T>().gelu_backward(end - begin, x + begin, dy + begin, dx + begin);
  });
}

template void add(Index, const float*, const float*, float*);
template void add(Index, const double*, const double*, double*);
template void gelu(Index, const float*, float*);
template void gelu(Index, const double*, double*);
template void gelu_backward(Index, const float*, const float*, float*);
template void gelu_backward(Index, const double*, const double*, double*);

}  // namespace engine::kernels
