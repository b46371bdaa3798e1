#include "models/npz_names.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "engine/io/in_quotes.h"
#include "engine/nn/state.h"
#include "engine/tensor/permuted.h"

namespace models {

using engine::Dtype;
using engine::in_quotes;
using engine::Npz;
using engine::Shape;
using engine::Tensor;

namespace {

/// An array of the model, or of a block, and what it becomes.
struct Rule {
  std::string_view array, timm;
  int rank;
  std::vector<int> axes = {};  ///< their new order; empty: as they are
  int rows = 0;    ///< so many of them become the first axis of a matrix, the others its second; 0: they stay
  int heads = -1;  ///< the axis, in the file, that counts the heads
  int third = -1;  ///< of qkv: query, key or value
};

const std::vector<Rule> kModel{
    {"embedding/kernel", "patch_embed.proj.weight", 4, {3, 2, 0, 1}},
    {"embedding/bias", "patch_embed.proj.bias", 1},
    {"cls", "cls_token", 3},
    {"Transformer/posembed_input/pos_embedding", "pos_embed", 3},
    {"pos_embedding", "pos_embed", 3},
    {"Transformer/encoder_norm/scale", "norm.weight", 1},
    {"Transformer/encoder_norm/bias", "norm.bias", 1},
    {"head/kernel", "head.weight", 2, {1, 0}},
    {"head/bias", "head.bias", 1},
};

const std::vector<Rule> kBlock{
    {"LayerNorm_0/scale", "norm1.weight", 1},
    {"LayerNorm_0/bias", "norm1.bias", 1},
    {"MultiHeadDotProductAttention_1/query/kernel", "attn.qkv.weight", 3, {1, 2, 0}, 2, 1, 0},
    {"MultiHeadDotProductAttention_1/query/bias", "attn.qkv.bias", 2, {}, 2, 0, 0},
    {"MultiHeadDotProductAttention_1/key/kernel", "attn.qkv.weight", 3, {1, 2, 0}, 2, 1, 1},
    {"MultiHeadDotProductAttention_1/key/bias", "attn.qkv.bias", 2, {}, 2, 0, 1},
    {"MultiHeadDotProductAttention_1/value/kernel", "attn.qkv.weight", 3, {1, 2, 0}, 2, 1, 2},
    {"MultiHeadDotProductAttention_1/value/bias", "attn.qkv.bias", 2, {}, 2, 0, 2},
    {"MultiHeadDotProductAttention_1/out/kernel", "attn.proj.weight", 3, {2, 0, 1}, 1, 0},
    {"MultiHeadDotProductAttention_1/out/bias", "attn.proj.bias", 1},
    {"LayerNorm_2/scale", "norm2.weight", 1},
    {"LayerNorm_2/bias", "norm2.bias", 1},
    {"MlpBlock_3/Dense_0/kernel", "mlp.fc1.weight", 2, {1, 0}},
    {"MlpBlock_3/Dense_0/bias", "mlp.fc1.bias", 1},
    {"MlpBlock_3/Dense_1/kernel", "mlp.fc2.weight", 2, {1, 0}},
    {"MlpBlock_3/Dense_1/bias", "mlp.fc2.bias", 1},
};

/// big_vision counts the parts of a block by their kind, the older code counts all that have no other name.
constexpr std::pair<std::string_view, std::string_view> kCountedByKind[] = {
    {"LayerNorm_1/", "LayerNorm_2/"},
    {"MultiHeadDotProductAttention_0/", "MultiHeadDotProductAttention_1/"},
    {"MlpBlock_0/", "MlpBlock_3/"}};

/// What other models of theirs have.
constexpr std::pair<std::string_view, std::string_view> kNotComputed[] = {
    {"MAPHead_0/", "a map head (attention pooling)"},
    {"conv_root/", "a ResNet before the blocks"},
    {"gn_root/", "a ResNet before the blocks"},
    {"block1/", "a ResNet before the blocks"}};

constexpr std::string_view kPrefixes[] = {"", "opt/target/", "params/"};
constexpr std::string_view kPatches = "embedding/kernel", kBlocks = "Transformer/encoderblock";
constexpr Index kMaxBlocks = 1000;

/// What stands before the names of the model.
std::string_view prefix_of(const Npz& file) {
  for (const std::string_view prefix : kPrefixes)
    if (file.contains(std::string(prefix) + std::string(kPatches))) return prefix;
  for (const Npz::Array& array : file.arrays()) {
    engine::check(
        !array.name.ends_with("/" + std::string(kPatches)), file.path() + ": the patch embedding is",
        in_quotes(array.name) + "; a ViT is read whose names begin with it, opt/target/ or params/");
  }
  throw engine::Error(file.path() + ": is a NumPy archive, but of no ViT of Google's: there is no " +
                      std::string(kPatches));
}

/// Where an array belongs.
struct Place {
  const Rule* rule;
  std::string before = {};  ///< "blocks.3."
  bool stacked = false;     ///< of all blocks, in a first axis
};

const Rule* find(const std::vector<Rule>& rules, std::string_view array) {
  const auto found = std::ranges::find(rules, array, &Rule::array);
  return found == rules.end() ? nullptr : &*found;
}

/// The place of an array by its name without the prefix; nothing when it is no part of a model.
std::optional<Place> place_of(std::string_view name) {
  if (const Rule* rule = find(kModel, name)) return Place{rule};
  if (!name.starts_with(kBlocks)) return {};
  name.remove_prefix(kBlocks.size());
  Place place{nullptr};
  if (name.starts_with("_")) {
    Index block = -1;
    const auto [end, error] = std::from_chars(name.data() + 1, name.data() + name.size(), block);
    if (error != std::errc() || block < 0) return {};
    name.remove_prefix(static_cast<std::size_t>(end - name.data()));
    place.before = "blocks." + std::to_string(block) + ".";
  } else {
    place.stacked = true;
  }
  if (!name.starts_with("/")) return {};
  std::string part(name.substr(1));
  for (const auto& [theirs, older] : kCountedByKind) {
    if (part.starts_with(theirs)) part = std::string(older) + part.substr(theirs.size());
  }
  place.rule = find(kBlock, part);
  return place.rule != nullptr ? std::optional(place) : std::nullopt;
}

/// An array as timm has it.
Tensor turned(const Tensor& array, const Rule& rule) {
  const Tensor t = rule.axes.empty() ? array.clone() : engine::permuted(array, rule.axes);
  if (rule.rows == 0) return t;
  const std::vector<Index>& dims = t.shape().dims();
  Index rows = 1, columns = 1;
  for (int i = 0; i < rule.rank; ++i) (i < rule.rows ? rows : columns) *= dims[static_cast<std::size_t>(i)];
  return t.reshaped(rule.rows == rule.rank ? Shape{rows} : Shape{rows, columns});
}

/// Queries, keys and values one below the other.
Tensor joined(const std::array<Tensor, 3>& thirds, const std::string& who) {
  for (const Tensor& third : thirds)
    engine::check(third.defined() && third.shape() == thirds[0].shape() && third.dtype() == thirds[0].dtype(),
                  who, "needs query, key and value of one shape and type");
  std::vector<Index> dims = thirds[0].shape().dims();
  dims[0] *= 3;
  Tensor all = Tensor::uninitialized(Shape(std::move(dims)), thirds[0].dtype());
  for (std::size_t i = 0; i < 3; ++i)
    std::memcpy(all.raw() + i * thirds[i].bytes(), thirds[i].raw(), thirds[i].bytes());
  return all;
}

/// Reads one model.
class Reader {
 public:
  explicit Reader(const Npz& file) : file_(file) {}

  NpzModel read(bool with_head) {
    const std::string prefix(prefix_of(file_));
    std::set<std::string> left_out;
    for (const Npz::Array& array : file_.arrays()) {
      const std::string_view name = array.name;
      if (!name.starts_with(prefix)) {
        left_out.insert(array.name.substr(0, array.name.find('/', array.name.find('/') + 1)));
        continue;
      }
      const std::string_view bare = name.substr(prefix.size());
      const bool pre_logits = bare.starts_with("pre_logits/");
      if (!with_head && (pre_logits || bare.starts_with("head/"))) continue;
      model_.pre_logits = model_.pre_logits || pre_logits;
      if (!pre_logits) add(array, bare);
    }
    for (const auto& [name, thirds] : thirds_)
      model_.tensors.emplace_back(name, joined(thirds, file_.path() + ": " + name));
    model_.left_out.assign(left_out.begin(), left_out.end());
    model_.facts.norm_eps = 1e-6;
    model_.facts.resampling = Resampling::bilinear;
    return std::move(model_);
  }

 private:
  void add(const Npz::Array& array, std::string_view bare) {
    const std::string who = file_.path() + ": " + in_quotes(array.name);
    const std::optional<Place> place = place_of(bare);
    if (!place) {
      for (const auto& [beginning, what] : kNotComputed)
        engine::check(!bare.starts_with(beginning), who, "belongs to", what, "which is not computed");
      throw engine::Error(who + " is no part of a ViT of Google's that is computed");
    }
    const Rule& rule = *place->rule;
    const Shape& shape = array.header.shape;
    engine::check(shape.rank() == rule.rank + place->stacked && shape.numel() > 0, who, "should have",
                  rule.rank + place->stacked, "axes and values, not shape", shape);
    if (rule.heads >= 0) set_heads(shape[rule.heads + place->stacked], who);
    const Tensor values = file_.read(array.name);
    engine::check(values.dtype() != Dtype::i64 && values.dtype() != Dtype::u8, who,
                  "holds whole numbers (" + engine::say(values.dtype()) + "); f2, f4 or f8 is needed");
    engine::check_finite(values, Dtype::f32, who);
    if (!place->stacked) return put(place->before, rule, values, array.name);
    engine::check(shape[0] <= kMaxBlocks, who, "stacks", shape[0], "blocks; at most", kMaxBlocks, "are read");
    const std::vector<Index> dims(shape.dims().begin() + 1, shape.dims().end());
    for (Index block = 0; block < shape[0]; ++block)
      put("blocks." + std::to_string(block) + ".", rule, values.slice(block, block + 1).reshaped(Shape(dims)),
          array.name);
  }

  void set_heads(Index heads, const std::string& who) {
    engine::check(!model_.facts.heads || *model_.facts.heads == heads, who, "has", heads,
                  "heads, but others have", model_.facts.heads.value_or(0));
    model_.facts.heads = heads;
  }

  void put(const std::string& before, const Rule& rule, const Tensor& values, const std::string& name) {
    const std::string timm = before + std::string(rule.timm);
    const auto [other, is_new] = taken_.emplace(std::pair(timm, rule.third), name);
    engine::check(is_new, file_.path() + ": two arrays are", in_quotes(timm) + ":", in_quotes(other->second),
                  "and", in_quotes(name));
    if (rule.third >= 0)
      thirds_[timm][static_cast<std::size_t>(rule.third)] = turned(values, rule);
    else
      model_.tensors.emplace_back(timm, turned(values, rule));
  }

  const Npz& file_;
  NpzModel model_;
  std::map<std::string, std::array<Tensor, 3>> thirds_;
  std::map<std::pair<std::string, int>, std::string> taken_;
};

}  // namespace

NpzModel read_npz_model(const Npz& file, bool with_head) {
  return Reader(file).read(with_head);
}

}  // namespace models
