#include "tools/exports/onnx.h"

#include <nlohmann/json.hpp>

#include "engine/nn/state.h"
#include "tools/exports/onnx_file.h"
#include "tools/exports/onnx_vit.h"
#include "tools/training/json_text.h"
#include "tools/training/pretrained/metadata.h"

namespace exports {

namespace fs = std::filesystem;

namespace {

void check_replaceable(const fs::path& out) {
  std::error_code ignored;
  const bool there = fs::exists(out, ignored), data_there = fs::exists(onnx_data_file(out), ignored);
  engine::check(!there || fs::file_size(out, ignored) == 0 || is_onnx_of_ours(out), out.string() + ":",
                "is there and is no ONNX file of espalier's, which this would be; remove it, or give another "
                "path");
  engine::check(there || !data_there, onnx_data_file(out).string() + ":",
                "is there, and weights of a large model would replace it; remove it, or give another path");
}

std::vector<fs::path> write(const fs::path& out, const Exported& exported, const ExportOptions& options) {
  training::LoadedModel& model = exported.model;
  engine::Metadata text{{"arch", model.arch},
                        {"preprocessing", training::preprocessing_json(model.preprocessing)}};
  if (!model.classes.empty()) text["classes"] = training::json_text(model.classes);
  if (!exported.license.empty()) text["license"] = exported.license;
  const OnnxGraph graph = onnx_graph(model.model.config(), engine::state(model.model), model.arch);
  if (options.only_checks) return {};
  return write_onnx(out, graph, text, {.always_outside = options.external_data});
}

}  // namespace

Format onnx_format() {
  return {.name = "onnx",
          .readers = "ONNX Runtime and all that reads opset 17",
          .dtypes = {"f32"},
          .check_replaceable = check_replaceable,
          .write = write};
}

}  // namespace exports
