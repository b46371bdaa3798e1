#pragma once

#include <string>

#include "engine/io/file.h"

namespace engine {

/// What a file is that is no safetensors file, by its content (torch's pickles, old and zipped; NumPy's .npz
/// and .npy; ONNX; HDF5; GGUF; what stands in a file's place: a pointer of Git LFS, a server's page;
/// archives; images), and what to do, such as the line that converts it: "is a PyTorch pickle; convert it
/// with: ...". Empty when it cannot be recognised.
std::string recognised_format(const File& file);

}  // namespace engine
