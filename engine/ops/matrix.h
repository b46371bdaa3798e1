#pragma once

#include "engine/kernels/gemm.h"
#include "engine/tensor/tensor.h"

namespace engine {

/// `t` as a matrix of `columns` columns, whatever its axes.
template <class T>
kernels::Matrix<T> matrix(const Tensor& t, Index columns) {
  return {t.data<T>().data(), columns == 0 ? 0 : t.numel() / columns, columns, columns};
}

/// The same with the columns of its shape.
template <class T>
kernels::Matrix<T> matrix(const Tensor& t) {
  return {t.data<T>().data(), t.shape().rows(), t.shape().columns(), t.shape().columns()};
}

}  // namespace engine
