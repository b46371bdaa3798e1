#pragma once

#include "data/loader.h"
#include "models/vit.h"

namespace training {

/// Cross entropy of class scores `logits` [n, classes] with the targets of a batch: soft ones where images
/// were mixed, or its labels; smoothed towards the uniform distribution by the share `smoothing`.
engine::Tensor cross_entropy_loss(const engine::Tensor& logits, const data::Batch& batch, double smoothing);

/// Supervised contrastive loss (Khosla et al. 2020) of the normalised class tokens of two views of a batch.
/// With `two_views` the batch's images are the first views of all, then the second; otherwise an image is
/// both of its views, and one forward pass serves both. Where the features of all images are alike but for
/// rounding, every gradient is exactly zero.
engine::Tensor contrastive_loss(models::Vit& model, const data::Batch& batch, bool two_views,
                                double temperature);

}  // namespace training
