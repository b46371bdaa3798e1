#pragma once

#include <memory>
#include <span>
#include <vector>

#include "data/batch.h"
#include "engine/io/safetensors.h"
#include "models/vit.h"

namespace training {

using engine::Index;

/// What the part of a model below a cut gives of all images of a data set, one row an image; where images
/// come in several variants, first those of one variant, then the next. Rows are in memory or in files.
class Activations {
 public:
  /// Of `images` images, none of them there yet, with rows of this shape.
  Activations(Index cut, engine::Shape row, Index images)
      : cut_(cut), row_(std::move(row)), images_(images) {}

  /// The next rows, [n, row...].
  void add(engine::Tensor rows);
  /// The next rows, which stay in a file as a tensor [n, row...] of that name, in f32.
  void add(std::shared_ptr<const engine::Safetensors> file, const std::string& name);
  /// The rows of more images. Throws an Error where either has variants, or cuts or shapes differ.
  void add(const Activations& more);

  Index cut() const { return cut_; }
  /// The rows of these images in that variant, [n, row...].
  engine::Tensor rows(std::span<const Index> samples, Index variant = 0) const;

 private:
  struct Part {
    Index first;
    engine::Tensor rows;  ///< or, where it is not defined:
    std::shared_ptr<const engine::Safetensors> file = {};
    std::string name = {};
  };
  void add(Part part, Index count);

  Index cut_;
  engine::Shape row_;
  Index images_, count_ = 0;
  std::vector<Part> parts_;
};

/// Activations of the splits of a run that are known; empty for those that are computed from the images
/// whenever they are needed.
struct KnownActivations {
  std::shared_ptr<const Activations> trained_on, val, test;
};

/// What the head reads of a batch: from the rows that `known` has of its images, or from the images where
/// there is none. The bits are the same.
engine::Tensor pooled_of(models::Vit& model, const data::Batch& batch, const Activations* known,
                         const models::Dropped& drop = {});
/// Class scores [n, classes] of it.
engine::Tensor logits_of(models::Vit& model, const data::Batch& batch, const Activations* known,
                         const models::Dropped& drop = {});

}  // namespace training
