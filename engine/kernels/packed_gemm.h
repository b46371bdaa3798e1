#pragma once

#include "engine/kernels/panels.h"

namespace engine::kernels {

/// All of `m`, packed by all threads: a right-hand side of many products. `m` is not needed afterwards.
template <class T>
Panels<T> pack_rhs(const Matrix<T>& m);

/// c = a b with the bits of gemm, for a right-hand side that is packed. Throws an Error when it was packed
/// for another instruction set, and for sketches, which inference does not make.
template <class T>
void gemm(Matrix<T> a, const Panels<T>& b, T* c, Index c_stride, Epilogue<T> epilogue = {});

}  // namespace engine::kernels
