#include "engine/nn/patch_embed.h"

#include "engine/ops/rearrange.h"

namespace engine {

PatchProjection::PatchProjection(Index channels, Index patch, Index out, Linear::Bias with_bias)
    : weight(Tensor::zeros({out, channels, patch, patch})) {
  if (with_bias == Linear::Bias::yes) bias.emplace(Tensor::zeros({out}));
}

Tensor PatchProjection::forward(const Tensor& images) {
  return linear(patches(images, weight.value().shape()[-1]), weight, bias ? Tensor(*bias) : Tensor());
}

void PatchProjection::own_parts(Parts& visit) {
  visit("weight", weight);
  if (bias) visit("bias", *bias);
}

}  // namespace engine
