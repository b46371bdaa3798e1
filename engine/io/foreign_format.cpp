#include "engine/io/foreign_format.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace engine {

namespace {

constexpr std::string_view kTorch =
    "is a PyTorch pickle; convert it with: python3 -c \"import torch, safetensors.torch as s; w = "
    "torch.load('FILE', map_location='cpu', weights_only=True); w = w.get('state_dict', w.get('model', w)); "
    "s.save_file({k: v.clone().contiguous() for k, v in w.items() if hasattr(v, 'clone')}, "
    "'model.safetensors')\"";
constexpr std::string_view kNumpy =
    "is a NumPy archive; one of Google's ViTs is read as a model where its own path is given: --model FILE";
constexpr std::string_view kNumpyArray = "is a single NumPy array, which is no model";
constexpr std::string_view kOnnx =
    "is an ONNX model; convert its weights with: python3 -c \"import onnx, onnx.numpy_helper as h, "
    "safetensors.numpy as s; s.save_file({t.name: h.to_array(t) for t in "
    "onnx.load('FILE').graph.initializer}, 'model.safetensors')\"";
constexpr std::string_view kHdf5 =
    "is an HDF5 file, as Keras writes it; load it there and save its weights with safetensors.numpy.save_file";
constexpr std::string_view kGguf = "is a GGUF file; take the checkpoint that it was made of";

/// The first bytes of a file; fewer where it ends.
std::string first_bytes(const File& file) {
  constexpr std::uint64_t kLooked = 4096;
  std::vector<std::byte> bytes(static_cast<std::size_t>(std::min(kLooked, file.size())));
  file.read_at(0, bytes);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string_view description(const std::string& start) {
  using namespace std::string_view_literals;
  const auto begins = [&](std::string_view magic) { return start.starts_with(magic); };
  if (begins("PK\x03\x04")) {
    // torch's archives hold data.pkl in a folder, NumPy's a name.npy each.
    if (start.find("data.pkl") != std::string::npos || start.find("/version") != std::string::npos)
      return kTorch;
    return start.find(".npy") != std::string::npos ? kNumpy : std::string_view();
  }
  if (begins("\x80\x02"sv) || begins("\x80\x03"sv) || begins("\x80\x04"sv)) return kTorch;
  if (begins("\x93NUMPY")) return kNumpyArray;
  if (begins("\x89HDF\r\n")) return kHdf5;
  if (begins("GGUF")) return kGguf;
  // The first field of a ModelProto: ir_version, a small number; then producer_name (2) or graph (7).
  if (start.size() > 3 && start[0] == '\x08' && start[1] > 0 && start[1] < 32 &&
      (start[2] == '\x12' || start[2] == '\x1a' || start[2] == '\x3a' || start[2] == '\x42'))
    return kOnnx;
  return {};
}

}  // namespace

std::string recognised_format(const File& file) {
  std::string text(description(first_bytes(file)));
  const std::size_t at = text.find("FILE");
  if (at != std::string::npos) text.replace(at, 4, file.path());
  return text;
}

}  // namespace engine
