#pragma once

#include <variant>

#include "engine/kernels/packed_gemm.h"
#include "engine/ops/activation.h"

namespace engine {

/// A weight [out, in] of a linear layer in the form that forward products read, packed once: for weights that
/// are frozen and only go forward. A product of few rows, as of a single image, then packs nothing.
class PackedWeight {
 public:
  /// `w` as linear() takes it, of f32 or f64.
  explicit PackedWeight(const Tensor& w);

  Index out() const { return out_; }
  Index in() const { return in_; }
  Dtype dtype() const { return dtype_; }
  template <class T>
  const kernels::Panels<T>& panels() const {
    return std::get<kernels::Panels<T>>(panels_);
  }

 private:
  Index out_, in_;
  Dtype dtype_;
  std::variant<kernels::Panels<float>, kernels::Panels<double>> panels_;
};

/// What follows a product in the same pass over memory.
struct AfterLinear {
  Tensor bias = {};  ///< [out], or empty
  Activation activation = Activation::none;
  Tensor scale = {};     ///< [out], every output times its own: LayerScale; or empty
  Tensor residual = {};  ///< shaped like the result, added last; or empty
};

/// residual + scale activation(x w^T + bias), of which `after` names the parts, to the bits of linear(),
/// linear_activate()
/// and linear_residual(). There is no way back through it: throws an Error where a gradient would be
/// recorded.
Tensor packed_linear(const Tensor& x, const PackedWeight& w, const AfterLinear& after);

}  // namespace engine
