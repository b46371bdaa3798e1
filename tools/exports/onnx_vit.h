#pragma once

#include "engine/tensor/named_tensors.h"
#include "models/vit_config.h"
#include "tools/exports/onnx_graph.h"

namespace exports {

/// What models::Vit computes, as a graph of ONNX's operators of opset 17: from prepared images
/// "pixel_values" [batch, channels, height, width] to "logits" [batch, classes], or without a head to
/// "features" [batch, head_width]. Any number of images, all of the config's size. `state` has the values of
/// a model without adapters (engine::state), whose buffers the graph shares. Throws an Error that names what
/// of `state` the graph does not have.
OnnxGraph onnx_graph(const models::VitConfig& config, const engine::NamedTensors& state,
                     const std::string& name);

}  // namespace exports
