#pragma once

#include "engine/base/check.h"

namespace engine::kernels {

/// y = (x - mean) rstd w + b for every row of x [rows, width], with the mean and 1 / sqrt(variance + eps) of
/// the row, which are kept in `mean` and `rstd` [rows] (Ba et al. 2016).
template <class T>
void layer_norm(Index rows, Index width, const T* x, const T* w, const T* b, T eps, T* y, T* mean, T* rstd);

/// dx from dy, for every row.
template <class T>
void layer_norm_backward(Index rows, Index width, const T* x, const T* w, const T* dy, const T* mean,
                         const T* rstd, T* dx);

/// dw[j] = sum over rows of dy xhat with xhat = (x - mean) rstd.
template <class T>
void layer_norm_weight_gradient(Index rows, Index width, const T* x, const T* dy, const T* mean,
                                const T* rstd, T* dw);

/// y = x rrms w for every row of x [rows, width], with 1 / sqrt(mean(x^2) + eps) of the row, which is kept in
/// `rrms` [rows] (Zhang and Sennrich 2019).
template <class T>
void rms_norm(Index rows, Index width, const T* x, const T* w, T eps, T* y, T* rrms);

/// dx from dy, for every row.
template <class T>
void rms_norm_backward(Index rows, Index width, const T* x, const T* w, const T* dy, const T* rrms, T* dx);

/// dw[j] = sum over rows of dy x rrms.
template <class T>
void rms_norm_weight_gradient(Index rows, Index width, const T* x, const T* dy, const T* rrms, T* dw);

}  // namespace engine::kernels
