#pragma once

#include "engine/kernels/gemm.h"
#include "engine/kernels/simd.h"

namespace engine::kernels {

/// True when one side of the product is no longer than a register tile is high and the other side's values
/// lie as the tile reads them: then nothing is worth packing. So it is with the gradient of a few rows or
/// columns.
template <class T>
bool is_thin(const Simd<T>& s, const Matrix<T>& a, const Matrix<T>& b);

/// c (+)= a b with the bits of gemm, for a thin product: the large side is read once, where it lies.
template <class T>
void thin_gemm(const Simd<T>& s, const Matrix<T>& a, const Matrix<T>& b, T* c, Index c_stride, bool add);

}  // namespace engine::kernels
