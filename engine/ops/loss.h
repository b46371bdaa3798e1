#pragma once

#include <span>

#include "engine/tensor/tensor.h"

namespace engine {

/// Targets [n, classes] that put 1 - smoothing on each label and spread `smoothing` evenly over all classes,
/// as PyTorch's label_smoothing does. Throws when a label lies outside.
Tensor one_hot(std::span<const Index> labels, Index classes, double smoothing = 0, Dtype dtype = Dtype::f32);

/// The mean over rows of -sum(targets log(softmax(logits))), as a tensor [1]. logits and targets are [n,
/// classes]; the targets of a row add up to 1 and are not trained.
Tensor cross_entropy(const Tensor& logits, const Tensor& targets);

/// The supervised contrastive loss L_out of Khosla et al. 2020 (equation 2) over all rows of `features` [n,
/// width], which are of unit length: mean over rows i of -mean over rows p != i with the same label of
/// log(exp(z_i z_p / t) / sum over a != i of exp(z_i z_a / t)). Rows without a partner do not count; throws
/// when no row has one. labels [n].
Tensor sup_con(const Tensor& features, std::span<const Index> labels, double temperature);

}  // namespace engine
