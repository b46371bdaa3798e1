#pragma once

#include <filesystem>

#include "tools/training/run.h"

namespace training {

/// Features that a frozen backbone has of all images of a run, [images, width], by which its head is trained
/// and evaluated without a look at the images: those that are trained on, val and test. Empty ones are not
/// known, and computed from the images whenever they are needed.
struct KnownFeatures {
  engine::Tensor trained_on, val, test;
};

/// The features of every split that a run uses, from DIR/<split>.safetensors. A file that is missing, damaged
/// or made by another model, preprocessing or program, or of images of other names or contents, is computed
/// again and written. Nothing when `dir` is empty.
KnownFeatures known_features(Run& run, const TrainConfig& config, const std::filesystem::path& dir,
                             const Events& events = {});

/// Class scores [n, classes] of a batch: by the head from the rows that `known` has of its images, or from
/// the images where `known` is empty. The bits are the same.
engine::Tensor logits_of(models::Vit& model, const data::Batch& batch, const engine::Tensor& known,
                         const models::Dropped& drop = {});

}  // namespace training
