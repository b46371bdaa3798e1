#include "engine/io/foreign_format.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace engine {

namespace {

using namespace std::string_view_literals;

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
constexpr std::string_view kOtherZip =
    "is a zip archive that neither PyTorch nor NumPy wrote; unpack it and take the checkpoint in it";
constexpr std::string_view kCompressed = "is a compressed file; unpack it and take the checkpoint in it";
constexpr std::string_view kPage =
    "is an HTML page, as servers send it in place of a file; take the address that downloads the file itself "
    "(on Hugging Face .../resolve/main/..., not .../blob/main/...), and log in where the model asks for it";
constexpr std::string_view kLfsPointer =
    "is a pointer of Git LFS, which stands for the file; git lfs pull gets the file itself";
constexpr std::string_view kJson = "is a JSON text; the tensors are in a .safetensors file beside it";
constexpr std::string_view kImage = "is an image, no checkpoint";

/// A format that is known by its bytes at an offset, and what is said of it.
struct Format {
  std::size_t offset;
  std::string_view magic, what;
};
constexpr Format kFormats[] = {
    {0, "\x80\x02"sv, kTorch},
    {0, "\x80\x03"sv, kTorch},
    {0, "\x80\x04"sv, kTorch},
    {0, "\x93NUMPY"sv, kNumpyArray},
    {0, "\x89HDF\r\n"sv, kHdf5},
    {0, "GGUF"sv, "is a GGUF file; take the checkpoint that it was made of"sv},
    {0, "version https://git-lfs"sv, kLfsPointer},
    {0, "<!DOCTYPE"sv, kPage},
    {0, "<!doctype"sv, kPage},
    {0, "<html"sv, kPage},
    {0, "<HTML"sv, kPage},
    {0, "<?xml"sv, "is an XML text, as servers send it to say that there is no such file"sv},
    {0, "{\""sv, kJson},
    {0, "{\n"sv, kJson},
    {0, "{ "sv, kJson},
    {0, "\xff\xd8\xff"sv, kImage},
    {0, "\x89PNG\r\n"sv, kImage},
    {0, "GIF8"sv, kImage},
    {8, "WEBP"sv, kImage},
    {0, "II*\0"sv, kImage},
    {0, "MM\0*"sv, kImage},
    {0, "%PDF"sv, "is a PDF document, no checkpoint"sv},
    {0, "\x1f\x8b"sv, kCompressed},
    {0, "BZh"sv, kCompressed},
    {0, "\xfd\x37zXZ"sv, kCompressed},
    {0, "\x28\xb5\x2f\xfd"sv, kCompressed},
    {0, "7z\xbc\xaf"sv, kCompressed},
    {257, "ustar"sv, "is a tar archive; unpack it and take the checkpoint in it"sv},
};

/// The first bytes of a file; fewer where it ends.
std::string first_bytes(const File& file) {
  constexpr std::uint64_t kLooked = 4096;
  std::vector<std::byte> bytes(static_cast<std::size_t>(std::min(kLooked, file.size())));
  file.read_at(0, bytes);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string_view description(const std::string& start) {
  for (const Format& format : kFormats)
    if (start.size() > format.offset && start.compare(format.offset, format.magic.size(), format.magic) == 0)
      return format.what;
  if (start.starts_with("PK\x03\x04")) {
    // torch's archives hold data.pkl in a folder, NumPy's a name.npy each.
    if (start.find("data.pkl") != std::string::npos || start.find("/version") != std::string::npos)
      return kTorch;
    return start.find(".npy") != std::string::npos ? kNumpy : kOtherZip;
  }
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
