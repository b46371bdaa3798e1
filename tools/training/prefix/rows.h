#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/loader.h"
#include "tools/training/run.h"

namespace training {

/// Images whose activations are wanted.
struct PrefixSplit {
  std::string name;
  std::shared_ptr<const data::Dataset> images;
  Index variants = 0;  ///< of each image; 0: the images as they are
  engine::Shape row;   ///< of the activations of an image

  Index rows() const { return images->size() * (variants > 0 ? variants : 1); }
  Index row_bytes() const { return row.numel() * static_cast<Index>(sizeof(float)); }
  std::uint64_t bytes() const { return static_cast<std::uint64_t>(rows() * row_bytes()); }
};

/// Rows that go into one file: those of some images in one variant.
struct PrefixPiece {
  Index number = 0, variant = 0, first = 0, count = 0;
};

/// The rows of a split, variant by variant, in pieces of at most 64 MB, so that little is held to write one.
std::vector<PrefixPiece> pieces_of(const PrefixSplit& split);

/// Computes what a model gives of images below a cut, piece by piece.
class PrefixRows {
 public:
  PrefixRows(Run& run, const TrainConfig& config, Index cut, const PrefixSplit& split, const Events& events);

  /// The rows of a piece; fastest in the order of the pieces. Events::stop is asked before every batch.
  engine::Tensor of(const PrefixPiece& piece);
  /// How many were computed.
  Index computed() const { return computed_; }

 private:
  void take(Index variant, Index batch);

  models::Vit& model_;
  Index cut_, batch_size_, computed_ = 0;
  PrefixSplit split_;
  Events events_;
  data::Loader loader_;
  std::optional<ProgressReport> progress_;
  Index variant_ = -1, next_ = -1;  ///< of the batch that comes next
  engine::Tensor last_;             ///< what the batch before it gives
  Index begin_ = 0;                 ///< its first image
};

}  // namespace training
