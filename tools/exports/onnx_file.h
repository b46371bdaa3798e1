#pragma once

#include <filesystem>

#include "engine/io/safetensors_header.h"
#include "tools/exports/onnx_graph.h"

namespace exports {

/// Where the tensors of an ONNX file are.
struct OnnxWeights {
  /// A message of protobuf is smaller than 2 GiB; beyond, tensors are in a file of their own.
  std::uint64_t largest_file = (std::uint64_t{1} << 31) - 1;
  bool always_outside = false;
};

/// The file of its tensors beside an ONNX file, whether or not there is one: "model.onnx.data".
std::filesystem::path onnx_data_file(const std::filesystem::path& path);

/// Writes a graph of opset 17 with text beside it (metadata_props) as an ONNX file of IR version 8, which
/// onnx 1.12 of 2022 reads as well as those of today. It appears whole or not at all; where there is a data
/// file, an ONNX file that was there before is removed first, as it would have another's tensors. Nothing of
/// the machine is in it: the same graph and text give the same bytes. Returns the files written.
std::vector<std::filesystem::path> write_onnx(const std::filesystem::path& path, const OnnxGraph& graph,
                                              const engine::Metadata& text, const OnnxWeights& weights = {});

/// True for a file that write_onnx() has begun with: one of another producer is none.
bool is_onnx_of_ours(const std::filesystem::path& path);

}  // namespace exports
