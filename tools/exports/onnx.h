#pragma once

#include "tools/exports/formats.h"

namespace exports {

/// The model as an ONNX file, for ONNX Runtime and all else that reads opset 17 (onnx_vit, onnx_file).
/// Preprocessing, class names, architecture and licence are in its metadata, as JSON or text.
Format onnx_format();

}  // namespace exports
