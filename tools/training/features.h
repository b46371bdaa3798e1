#pragma once

#include <filesystem>

#include "tools/training/evaluate.h"
#include "tools/training/job.h"

namespace training {

/// Features that a frozen backbone has of all images of a run, [images, width], by which its head is
/// trained and judged without a look at the images: those that are learnt from, val and test. Empty ones
/// are not known, and computed from the images whenever they are needed.
struct KnownFeatures {
  engine::Tensor learnt, val, test;
};

/// The features of every split that a run uses, from DIR/<split>.safetensors. A file that is missing, damaged
/// or made by another model, preprocessing or program, or of images of other names, is computed anew and
/// written. An image that has changed under its name is not found out. Nothing when `dir` is empty.
KnownFeatures known_features(Job& job, const TrainConfig& options, const std::filesystem::path& dir);

/// Class scores [n, classes] of a batch: by the head from the rows that `known` has of its images, or from
/// the images where `known` is empty. The bits are the same.
engine::Tensor logits_of(models::Vit& model, const data::Batch& batch, const engine::Tensor& known,
                         const models::DropPath& drop = {});

}  // namespace training
