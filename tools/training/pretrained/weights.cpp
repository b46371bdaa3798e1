#include "tools/training/pretrained/weights.h"

#include "engine/base/text.h"
#include "engine/io/in_quotes.h"
#include "engine/io/sha256.h"
#include "engine/nn/state.h"
#include "models/names.h"
#include "models/npz_names.h"

namespace training {

namespace fs = std::filesystem;

using engine::Dtype;
using engine::NamedTensors;
using engine::Npz;
using engine::Safetensors;
using engine::ShardedSafetensors;
using engine::Tensor;

namespace {

std::variant<ShardedSafetensors, Npz> open(const fs::path& path) {
  if (!engine::is_shard_index(path) && engine::is_npz(engine::File(path))) return Npz(path);
  return ShardedSafetensors(path);
}

/// The tensors of a checkpoint. Refuses those that training can only fail on later.
NamedTensors all_of(const ShardedSafetensors& weights) {
  NamedTensors state;
  for (const Safetensors& file : weights.files()) {
    for (const std::string& name : file.names()) {
      Tensor tensor = file.read(name);
      // As they are used: 1e300 becomes infinite.
      if (tensor.dtype() != Dtype::i64 && tensor.dtype() != Dtype::u8)
        engine::check_finite(tensor, Dtype::f32, file.path() + ": tensor " + engine::in_quotes(name));
      state.emplace_back(name, std::move(tensor));
    }
  }
  return state;
}

std::string left_out(const std::string& path, const std::vector<std::string>& parts) {
  return "left out of " + path + ", as no classifier reads it: " + engine::join(parts, ", ");
}

TimmWeights timm_weights(const ShardedSafetensors& file, bool with_head, const models::Facts& facts) {
  const NamedTensors state = all_of(file);
  models::TimmNames names;
  try {
    names = models::read_names(state, with_head, facts);
  } catch (const engine::Error& e) {
    throw engine::Error(file.path() + ": " + e.what());
  }
  TimmWeights weights{.tensors = std::move(names.tensors),
                      .facts = {.pooling = names.pooling, .resampling = names.resampling},
                      .torchvision = names.torchvision,
                      .notes = {}};
  if (!names.left_out.empty()) weights.notes.push_back(left_out(file.path(), names.left_out));
  return weights;
}

TimmWeights timm_weights(const Npz& file, bool with_head, const models::Facts&) {
  models::NpzModel model = models::read_npz_model(file, with_head);
  TimmWeights weights{.tensors = std::move(model.tensors), .facts = model.facts, .notes = {}};
  if (!model.left_out.empty()) weights.notes.push_back(left_out(file.path(), model.left_out));
  if (model.pre_logits)
    weights.notes.push_back("left out of " + file.path() +
                            ": pre_logits, a tanh layer before the head, as timm does; the head was trained "
                            "behind it");
  return weights;
}

}  // namespace

Weights::Weights(const fs::path& path) : file_(open(path)) {}

const std::string& Weights::path() const {
  return std::visit([](const auto& file) -> const std::string& { return file.path(); }, file_);
}

std::vector<fs::path> Weights::files() const {
  const auto* const shards = std::get_if<ShardedSafetensors>(&file_);
  if (shards == nullptr) return {path()};
  std::vector<fs::path> files;
  for (const Safetensors& file : shards->files()) files.emplace_back(file.path());
  return files;
}

const engine::Metadata& Weights::metadata() const {
  static const engine::Metadata none;
  const auto* const shards = std::get_if<ShardedSafetensors>(&file_);
  return shards != nullptr ? shards->metadata() : none;
}

std::string Weights::note() const {
  const auto* const shards = std::get_if<ShardedSafetensors>(&file_);
  if (shards == nullptr || !shards->wrong_total_size()) return {};
  return engine::say(shards->path() + ": total_size is", *shards->wrong_total_size(), "but the tensors have",
                     shards->bytes(), "bytes");
}

std::string Weights::sha256() const {
  const auto* const shards = std::get_if<ShardedSafetensors>(&file_);
  return shards != nullptr ? shards->sha256() : engine::sha256(path());
}

std::vector<Weights::Entry> Weights::entries() const {
  std::vector<Entry> entries;
  if (const auto* const npz = std::get_if<Npz>(&file_)) {
    for (const Npz::Array& array : npz->arrays()) {
      const auto& [dtype, shape, order, bytes] = array.header;
      entries.push_back({array.name, dtype->name, {shape.dims().begin(), shape.dims().end()}, shape.numel()});
    }
    return entries;
  }
  for (const Safetensors& file : std::get<ShardedSafetensors>(file_).files())
    for (const engine::SafetensorsEntry& entry : file.entries())
      entries.push_back({entry.name, entry.dtype, entry.dims, entry.shape().numel()});
  return entries;
}

TimmWeights Weights::read(bool with_head, const models::Facts& facts) const {
  return std::visit([&](const auto& file) { return timm_weights(file, with_head, facts); }, file_);
}

NamedTensors Weights::in_its_names(const NamedTensors& timm) const {
  const auto* const shards = std::get_if<ShardedSafetensors>(&file_);
  if (shards == nullptr) return timm;
  NamedTensors like;
  for (const std::string& name : shards->names()) like.emplace_back(name, shards->read(name));
  return models::to_names_of(timm, like);
}

}  // namespace training
