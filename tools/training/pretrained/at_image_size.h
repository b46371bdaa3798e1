#pragma once

#include "models/vit.h"

namespace training {

/// While it lives, the model takes images of another size (0: of its own), its positions interpolated.
class AtImageSize {
 public:
  /// Throws an Error when the size does not suit the model, or the positions train.
  AtImageSize(models::Vit& model, engine::Index size);
  ~AtImageSize() {
    if (before_.defined()) model_.resize(size_, before_);
  }
  AtImageSize(const AtImageSize&) = delete;
  AtImageSize& operator=(const AtImageSize&) = delete;

 private:
  models::Vit& model_;
  engine::Index size_;
  engine::Tensor before_;
};

}  // namespace training
