#include "engine/kernels/layer_norm.h"

#include "engine/kernels/reduce.h"
#include "engine/kernels/simd.h"

namespace engine::kernels {
namespace {
constexpr Index kRows = 16;  // rows handled by one task
}

template <class T>
void layer_norm(Index rows, Index width, const T* x, const T* w, const T* b, T eps, T* y, T* mean, T* rstd) {
  parallel_chunks(rows, kRows, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      simd<T>().layer_norm(width, x + i * width, w, b, eps, y + i * width, mean + i, rstd + i);
    }
  });
}

template <class T>
void layer_norm_backward(Index rows, Index width, const T* x, const T* w, const T* dy, const T* mean,
                         const T* rstd, T* dx) {
  parallel_chunks(rows, kRows, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      simd<T>().layer_norm_backward(width, x + i * width, w, dy + i * width, mean[i], rstd[i],
                                    dx + i * width);
    }
  });
}

template <class T>
void layer_norm_weight_gradient(Index rows, Index width, const T* x, const T* dy, const T* mean,
                                const T* rstd, T* dw) {
  column_sums(rows, width, dw,
              [&](Index i, Index j) { return dy[i * width + j] * ((x[i * width + j] - mean[i]) * rstd[i]); });
}

template <class T>
void rms_norm(Index rows, Index width, const T* x, const T* w, T eps, T* y, T* rrms) {
  parallel_chunks(rows, kRows, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i)
      simd<T>().rms_norm(width, x + i * width, w, eps, y + i * width, rrms + i);
  });
}

template <class T>
void rms_norm_backward(Index rows, Index width, const T* x, const T* w, const T* dy, const T* rrms, T* dx) {
  parallel_chunks(rows, kRows, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i)
      simd<T>().rms_norm_backward(width, x + i * width, w, dy + i * width, rrms[i], dx + i * width);
  });
}

template <class T>
void rms_norm_weight_gradient(Index rows, Index width, const T* x, const T* dy, const T* rrms, T* dw) {
  column_sums(rows, width, dw,
              [&](Index i, Index j) { return dy[i * width + j] * (x[i * width + j] * rrms[i]); });
}

template void rms_norm(Index, Index, const float*, const float*, float, float*, float*);
template void rms_norm(Index, Index, const double*, const double*, double, double*, double*);
template void rms_norm_backward(Index, Index, const float*, const float*, const float*, const float*, float*);
template void rms_norm_backward(Index, Index, const double*, const double*, const double*, const double*,
                                double*);
template void rms_norm_weight_gradient(Index, Index, const float*, const float*, const float*, float*);
template void rms_norm_weight_gradient(Index, Index, const double*, const double*, const double*, double*);
template void layer_norm(Index, Index, const float*, const float*, const float*, float, float*, float*,
                         float*);
template void layer_norm(Index, Index, const double*, const double*, const double*, double, double*, double*,
                         double*);
template void layer_norm_backward(Index, Index, const float*, const float*, const float*, const float*,
                                  const float*, float*);
template void layer_norm_backward(Index, Index, const double*, const double*, const double*, const double*,
                                  const double*, double*);
template void layer_norm_weight_gradient(Index, Index, const float*, const float*, const float*, const float*,
                                         float*);
template void layer_norm_weight_gradient(Index, Index, const double*, const double*, const double*,
                                         const double*, double*);

}  // namespace engine::kernels
