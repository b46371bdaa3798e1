#pragma once

#include "data/per_side.h"
#include "models/vit.h"

namespace training {

/// The size of the images that a model takes.
data::ImageSize image_size_of(const models::VitConfig& config);

/// While it lives, the model takes images of another size (0: of its own), with positions for that size.
class AtImageSize {
 public:
  /// Throws an Error when the size does not suit the model, or what depends on it trains.
  AtImageSize(models::Vit& model, data::ImageSize size);
  ~AtImageSize();
  AtImageSize(const AtImageSize&) = delete;
  AtImageSize& operator=(const AtImageSize&) = delete;

 private:
  models::Vit& model_;
  models::VitConfig before_;
  engine::Tensor positions_;
  std::vector<engine::Tensor> bias_tables_;
};

}  // namespace training
