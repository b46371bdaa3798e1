#pragma once

#include <span>
#include <string>
#include <vector>

#include "data/loader.h"
#include "models/vit.h"
#include "tools/training/prefix/activations.h"

namespace training {

/// Cross entropy of class scores `logits` [n, classes] with the targets of a batch: soft ones where images
/// were mixed, or its labels; smoothed towards the uniform distribution by the share `smoothing`. With
/// `weights` of the classes it is what PyTorch's CrossEntropyLoss(weight, label_smoothing) gives: every term
/// of a class has its weight, and the sum is divided by the weights of the labels, of soft targets by n.
engine::Tensor cross_entropy_loss(const engine::Tensor& logits, const data::Batch& batch, double smoothing,
                                  std::span<const double> weights = {});

/// The weights n / (classes x images of the class) of the classes of n images, by which each counts as much
/// as another. Throws an Error that names a class without images.
std::vector<double> balanced_weights(const data::Dataset& images, const std::vector<std::string>& classes);

/// Supervised contrastive loss (Khosla et al. 2020) of the normalised class tokens of two views of a batch.
/// With `two_views` the batch's images are the first views of all, then the second; otherwise an image is
/// both of its views, and one forward pass serves both, unless each has patches of its own: `kept` has those
/// of the first views of all, then of the second. Where the features of all images are alike but for
/// rounding, every gradient is exactly zero. `known` as in pooled_of().
engine::Tensor contrastive_loss(models::Vit& model, const data::Batch& batch, bool two_views,
                                double temperature, const engine::KeptPatches& kept = {},
                                const Activations* known = nullptr);

}  // namespace training
