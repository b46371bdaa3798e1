#include "engine/nn/patch_embed.h"

#include "engine/ops/linear.h"
#include "engine/ops/rearrange.h"

namespace engine {

PatchProjection::PatchProjection(Index channels, Index patch, Index out)
    : weight(Tensor::zeros({out, channels, patch, patch})), bias(Tensor::zeros({out})) {}

Tensor PatchProjection::forward(const Tensor& images) {
  return linear(patches(images, weight.value().shape()[-1]), weight, bias);
}

void PatchProjection::own_parts(Parts& visit) {
  visit("weight", weight);
  visit("bias", bias);
}

}  // namespace engine
