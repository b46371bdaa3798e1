#include "tools/exports/stored_values.h"

#include <algorithm>
#include <cmath>

#include "engine/base/text.h"
#include "engine/nn/state.h"
#include "engine/tensor/half.h"
#include "tools/training/pretrained/weights.h"

namespace exports {

using engine::Dtype;
using engine::NamedTensors;
using engine::Tensor;

namespace {

Tensor rounded(const std::string& name, const Tensor& tensor, Dtype to) {
  Tensor result = Tensor::uninitialized(tensor.shape(), to);
  auto* const stored = reinterpret_cast<std::uint16_t*>(result.raw());
  const std::span<const float> values = tensor.data<float>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    stored[i] = to == Dtype::bf16 ? engine::f32_to_bf16(values[i]) : engine::f32_to_f16(values[i]);
    const float back = to == Dtype::bf16 ? engine::bf16_to_f32(stored[i]) : engine::f16_to_f32(stored[i]);
    engine::check(std::isfinite(back), "--dtype", engine::say(to) + ":", name, "has the value",
                  engine::say(values[i]) + ", which is beyond that type's largest; --dtype f32 holds it");
  }
  return result;
}

NamedTensors names_of(const training::Weights& weights) {
  NamedTensors names;
  for (const training::Weights::Entry& entry : weights.entries()) names.emplace_back(entry.name, Tensor());
  return names;
}

/// True for a tensor that no classifier reads. Hugging Face's models have a mask token all the same.
bool is_left_out(const models::Layout& layout, const models::Translator& translate, const std::string& name) {
  if (const auto part = models::part_beside(layout, name)) return !part->ends_with("mask_token");
  return std::ranges::any_of(translate(name),
                             [](const models::Place& place) { return place.fit == models::Fit::unread; });
}

}  // namespace

std::string dtype_to_store(const training::LoadedModel& model, const std::string& asked) {
  if (!asked.empty()) return asked;
  if (model.checkpoint.empty()) return "f32";
  const auto entries = training::Weights(model.checkpoint).entries();
  const auto all = [&](std::string_view dtype) {
    return std::ranges::all_of(entries, [&](const auto& entry) {
      return entry.dtype == dtype || entry.dtype.starts_with('I') || entry.dtype.starts_with('U');
    });
  };
  return all("F16") ? "f16" : all("BF16") ? "bf16" : "f32";
}

NamedTensors stored_as(NamedTensors tensors, const std::string& dtype) {
  if (dtype == "f32") return tensors;
  for (auto& [name, tensor] : tensors)
    if (tensor.dtype() == Dtype::f32)
      tensor = rounded(name, tensor, dtype == "f16" ? Dtype::f16 : Dtype::bf16);
  return tensors;
}

std::optional<models::Layout> layout_of(const training::LoadedModel& model) {
  if (model.checkpoint.empty()) return std::nullopt;
  return models::find_layout(names_of(training::Weights(model.checkpoint)));
}

NamedTensors in_names_of_base(training::LoadedModel& model, const models::Layout& layout) {
  const training::Weights weights(model.checkpoint);
  const models::Translator translate(layout, names_of(weights));
  const std::string wrapper = layout.before_head();
  NamedTensors kept;
  for (auto& [name, tensor] : weights.in_its_names(engine::state(model.model))) {
    if (is_left_out(layout, translate, name)) continue;
    const std::string bare = name.starts_with(wrapper) ? name.substr(wrapper.size()) : name;
    kept.emplace_back(bare, tensor.dtype() == Dtype::i64 ? tensor : tensor.to(Dtype::f32));
  }
  return kept;
}

engine::Metadata metadata_of_weights(const training::LoadedModel& model) {
  engine::Metadata metadata{{"format", "pt"}};
  if (!model.cut_sha256.empty()) metadata["cut_sha256"] = model.cut_sha256;
  return metadata;
}

}  // namespace exports
