#pragma once

#include "engine/base/op_timer.h"
#include "engine/tensor/tensor.h"

namespace engine {

/// Bytes of these tensors; those that are not there have none.
template <class... Tensors>
std::size_t bytes_of(const Tensors&... tensors) {
  return ((tensors.defined() ? tensors.bytes() : 0) + ...);
}

/// A matrix product, c [m, n] = a [m, k] b [k, n].
inline OpWork product_work(std::string_view kind, Index m, Index n, Index k, std::size_t bytes) {
  return {kind, {m, n, k}, m * n * k, bytes};
}

/// A loop over values that are seen as the rows of t's last axis.
inline OpWork loop_work(std::string_view kind, const Tensor& t, std::size_t bytes) {
  const Index columns = t.shape().rank() == 0 ? 1 : t.shape()[-1];
  return {kind, {columns == 0 ? 0 : t.numel() / columns, columns}, 0, bytes};
}

}  // namespace engine
