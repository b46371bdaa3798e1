#include "tools/exports/onnx_file.h"

#include <array>

#include "engine/io/atomic_file.h"
#include "engine/io/file.h"
#include "engine/io/folder.h"

namespace exports {

using engine::AtomicFile;
using engine::ProtobufMessage;
namespace fs = std::filesystem;

namespace {

constexpr const char* kProducer = "espalier";
constexpr Index kIrVersion = 8, kOpset = 17;

// Field numbers of onnx.proto3, by message.
namespace model_proto {
enum {
  ir_version = 1,
  producer_name = 2,
  producer_version = 3,
  graph = 7,
  opset_import = 8,
  metadata_props = 14
};
}
namespace operator_set_id_proto {
enum { version = 2 };
}
namespace entry_proto {
enum { key = 1, value = 2 };
}

/// The fields that every file begins with.
ProtobufMessage beginning() {
  ProtobufMessage m;
  m.integer(model_proto::ir_version, kIrVersion);
  m.text(model_proto::producer_name, kProducer);
  return m;
}

ProtobufMessage model(const OnnxGraph& graph, const engine::Metadata& text, const std::string& data_file) {
  ProtobufMessage m = beginning(), opset;
  m.text(model_proto::producer_version, ESPALIER_VERSION);
  opset.integer(operator_set_id_proto::version, kOpset);  // of the domain "", ONNX's own
  m.message(model_proto::opset_import, std::move(opset));
  for (const auto& [key, value] : text) {
    ProtobufMessage entry;
    entry.text(entry_proto::key, key);
    entry.text(entry_proto::value, value);
    m.message(model_proto::metadata_props, std::move(entry));
  }
  m.message(model_proto::graph, graph.message(data_file));
  return m;
}

ProtobufMessage::Sink into(AtomicFile& file) {
  return [&file](std::span<const std::byte> bytes) { file.write(bytes); };
}

}  // namespace

fs::path onnx_data_file(const fs::path& path) {
  return path.string() + ".data";
}

std::vector<fs::path> write_onnx(const fs::path& path, const OnnxGraph& graph, const engine::Metadata& text,
                                 const OnnxWeights& weights) {
  ProtobufMessage whole = model(graph, text, {});
  if (!weights.always_outside && whole.size() <= weights.largest_file) {
    AtomicFile file(path);
    whole.write(into(file));
    file.commit();
    return {path};
  }
  const fs::path data_path = onnx_data_file(path);
  const ProtobufMessage without = model(graph, text, data_path.filename().string());
  AtomicFile data(data_path), file(path);
  graph.write_data(into(data));
  without.write(into(file));
  engine::remove_file(path);
  engine::sync_folder(path.parent_path(), path.string());
  data.commit();
  file.commit();
  return {path, data_path};
}

bool is_onnx_of_ours(const fs::path& path) {
  const std::string wanted = beginning().bytes();
  const engine::File file(path);
  if (file.size() < wanted.size()) return false;
  std::string found(wanted.size(), ' ');
  file.read_at(0, std::as_writable_bytes(std::span(found)));
  return found == wanted;
}

}  // namespace exports
