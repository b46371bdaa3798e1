#pragma once

#include <memory>
#include <span>
#include <vector>

#include "engine/tensor/shape.h"

namespace engine {

/// Which patches of a grid, counted row by row, the images of a batch keep: as many of each image, in order.
/// By default all; ops then take tokens as they come. Copies share their places.
class KeptPatches {
 public:
  KeptPatches() = default;
  /// `count` patches of each image out of `patches`: `places` holds those of one image after the other.
  /// Throws an Error unless the places of every image ascend within the grid.
  KeptPatches(Index patches, Index count, std::vector<Index> places);

  /// True when nothing is left out.
  bool all() const { return !places_; }
  Index patches() const { return patches_; }  ///< of the grid
  Index count() const { return count_; }      ///< kept of each image
  Index images() const { return all() ? 0 : static_cast<Index>(places_->size()) / count_; }
  /// The places of all images, [images, count]; nullptr when nothing is left out.
  const Index* data() const { return all() ? nullptr : places_->data(); }
  /// Which of the kept patches of every image is at which place of the grid: [images, patches], -1 for those
  /// that are left out.
  std::vector<Index> by_place() const;
  /// Throws an Error of `who` unless these are patches of `images` images (or nothing is left out).
  void check_images(std::string_view who, Index images) const;

 private:
  Index patches_ = 0, count_ = 0;
  std::shared_ptr<const std::vector<Index>> places_;
};

}  // namespace engine
