#pragma once

#include "engine/nn/layer.h"

namespace engine {

/// A convolution whose kernel is as large as its stride: images [n, channels, height, width] to tokens
/// [n, patches, out]. weight [out, channels, patch, patch], bias [out].
class PatchProjection : public Layer {
 public:
  PatchProjection(Index channels, Index patch, Index out);

  Parameter weight, bias;

 protected:
  Tensor forward(const Tensor& images) override;
  void own_parts(Parts& visit) override;
};

/// timm's patch embedding: the projection under the name "proj".
class PatchEmbed : public Module {
 public:
  PatchEmbed(Index channels, Index patch, Index out) : proj(channels, patch, out) {}
  Tensor operator()(const Tensor& images) { return proj(images); }
  void parts(Parts& visit) override { visit("proj", proj); }

  PatchProjection proj;
};

}  // namespace engine
