#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "engine/ops/kept_patches.h"
#include "engine/tensor/tensor.h"

namespace engine::cases {

/// An op at work on inputs of certain shapes.
struct OpCase {
  std::string op;    ///< as in ops.def
  std::string name;  ///< what is special
  std::vector<Shape> shapes;
  std::function<Tensor(std::span<const Tensor>)> run;
  /// Inputs are normal with this standard deviation.
  double spread = 1;
  /// For thread counts and parts only: too many values for central differences.
  bool large = false;
};

std::vector<OpCase> activation_cases();
std::vector<OpCase> arithmetic_cases();
std::vector<OpCase> attention_cases();
std::vector<OpCase> linear_cases();
std::vector<OpCase> loss_cases();
std::vector<OpCase> normalize_cases();
std::vector<OpCase> rearrange_cases();
std::vector<OpCase> reduce_cases();
std::vector<OpCase> rotary_cases();

/// `count` of `patches` patches of each image, others of each.
KeptPatches some_patches(Index images, Index patches, Index count);

/// All of the above.
std::vector<OpCase> all_cases();

}  // namespace engine::cases
