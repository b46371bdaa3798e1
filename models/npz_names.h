#pragma once

#include <string>
#include <vector>

#include "engine/io/npz.h"
#include "engine/tensor/named_tensors.h"
#include "models/zoo.h"

namespace models {

/// A ViT of Google's under timm's names.
struct NpzModel {
  engine::NamedTensors tensors;
  Facts facts;                        ///< what the layout says: heads, eps, how positions are resized
  std::vector<std::string> left_out;  ///< what stands beside the model: "opt/state"
  bool pre_logits =
      false;  ///< left out, too: a tanh layer before the head, of which timm's ViT knows nothing
};

/// Reads the ViTs of google-research/vision_transformer ("augreg", bare or below opt/target/) and of
/// big_vision (below params/; with its blocks one by one or stacked in a first axis), as timm does. Kernels
/// are turned round and queries, keys and values joined: [in, out] to [out, in], [p, p, 3, D] to [D, 3, p,
/// p], [D, heads, d] to [heads d, D]. Without `with_head` nothing of a head is read. Throws an Error that
/// begins with the path and names the array for what is no part of such a model (a map head, a ResNet as
/// stem) or does not fit, and for values that are not finite in f32.
NpzModel read_npz_model(const engine::Npz& file, bool with_head = true);

}  // namespace models
