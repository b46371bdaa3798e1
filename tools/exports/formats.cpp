#include "tools/exports/formats.h"

#include <algorithm>
#include <array>

#include "engine/base/text.h"
#include "tools/exports/hugging_face.h"
#include "tools/exports/onnx.h"
#include "tools/exports/peft_adapter.h"
#include "tools/exports/timm.h"

namespace exports {

std::span<const Format> formats() {
  static const std::array all{timm_format(), hugging_face_format(), peft_format(), onnx_format()};
  return all;
}

const Format& find_format(const std::string& name) {
  const auto found = std::ranges::find(formats(), name, &Format::name);
  if (found != formats().end()) return *found;
  std::vector<std::string> names;
  for (const Format& format : formats()) names.push_back(format.name);
  throw engine::Error("there is no format '" + name + "'" + engine::did_you_mean(name, names));
}

void check_dtype(const Format& format, const std::string& dtype) {
  engine::check(dtype.empty() || std::ranges::find(format.dtypes, dtype) != format.dtypes.end(),
                "--dtype " + dtype + ":", "--format", format.name, "has", engine::join(format.dtypes, ", "),
                "only");
}

}  // namespace exports
