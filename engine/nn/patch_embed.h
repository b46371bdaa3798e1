#pragma once

#include "engine/nn/linear.h"
#include "engine/nn/norm.h"

namespace engine {

/// A convolution whose kernel is as large as its stride: images [n, channels, height, width] to tokens
/// [n, patches, out]. weight [out, channels, patch, patch], bias [out] or absent.
class PatchProjection : public Layer {
 public:
  PatchProjection(Index channels, Index patch, Index out, Linear::Bias with_bias = Linear::Bias::yes);

  Parameter weight;
  std::optional<Parameter> bias;

 protected:
  Tensor forward(const Tensor& images) override;
  void own_parts(Parts& visit) override;
};

/// timm's patch embedding: the projection under the name "proj", and what may follow it as "norm".
class PatchEmbed : public Module {
 public:
  PatchEmbed(PatchProjection projection, std::optional<Norm> norm_behind = {})
      : proj(std::move(projection)), norm(std::move(norm_behind)) {}
  Tensor operator()(const Tensor& images) { return norm ? (*norm)(proj(images)) : proj(images); }
  void parts(Parts& visit) override {
    visit("proj", proj);
    if (norm) visit("norm", *norm);
  }

  PatchProjection proj;
  std::optional<Norm> norm;
};

}  // namespace engine
