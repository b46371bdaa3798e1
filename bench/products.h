#pragma once

#include <string>
#include <vector>

#include "engine/tensor/tensor.h"

namespace bench {

using engine::Index;

/// One matrix product of a linear layer, c [m, n] = a b with a sum of k terms. x is [batch x tokens, in], the
/// weight w [out, in], and dy the gradient of the output.
struct Product {
  enum class Kind {
    forward,         ///< y = x w^T
    input_gradient,  ///< dx = dy w
    weight_gradient  ///< dw = dy^T x
  };
  std::string model;  ///< "Ti", "S", "B" or "L" at patch 16, "H" at patch 14, of 224 x 224 pixels
  std::string layer;  ///< "qkv", "proj", "fc1" or "fc2"
  Index batch;
  Kind kind;
  Index m, n, k;

  double multiply_adds() const { return static_cast<double>(m) * static_cast<double>(n * k); }
  /// "ViT-B/qkv/8/forward"
  std::string name() const;
  /// Whether `a` and `b` lie in memory as [k, m] and [n, k].
  bool a_transposed() const { return kind == Kind::weight_gradient; }
  bool b_transposed() const { return kind == Kind::forward; }
};

/// "forward", "dX" or "dW".
const char* name_of(Product::Kind kind);

/// All products of the four linear layers of five sizes of ViT, at batch 1, 8 and 32.
std::vector<Product> linear_products();

/// Random values for a product, and a place for its result.
struct Operands {
  explicit Operands(const Product& product);
  engine::Tensor a, b, c;
};

/// The product by the engine's own gemm.
void multiply_ours(const Product& product, Operands& operands);

}  // namespace bench
