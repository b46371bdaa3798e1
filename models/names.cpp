#include "models/names.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <span>

#include "engine/base/text.h"
#include "engine/io/in_quotes.h"

namespace models {

using engine::Dtype;
using engine::Index;
using engine::NamedTensors;
using engine::Shape;
using engine::Tensor;

namespace {

/// Names that match `pattern` become `timm`; an empty `timm` drops the tensor. `third` >= 0 marks the query,
/// key or value that becomes that third of the joined tensor.
struct Rule {
  const char *pattern, *timm;
  int third = -1;
};

constexpr Rule kHuggingFace[] = {
    {"embeddings\\.cls_token", "cls_token"},
    {"embeddings\\.position_embeddings", "pos_embed"},
    {"embeddings\\.patch_embeddings\\.projection\\.(.*)", "patch_embed.proj.$1"},
    {"(?:encoder\\.layer|layers)\\.(\\d+)\\.layernorm_before\\.(.*)", "blocks.$1.norm1.$2"},
    {"(?:encoder\\.layer|layers)\\.(\\d+)\\.layernorm_after\\.(.*)", "blocks.$1.norm2.$2"},
    {"encoder\\.layer\\.(\\d+)\\.attention\\.attention\\.query\\.(.*)", "blocks.$1.attn.qkv.$2", 0},
    {"encoder\\.layer\\.(\\d+)\\.attention\\.attention\\.key\\.(.*)", "blocks.$1.attn.qkv.$2", 1},
    {"encoder\\.layer\\.(\\d+)\\.attention\\.attention\\.value\\.(.*)", "blocks.$1.attn.qkv.$2", 2},
    {"encoder\\.layer\\.(\\d+)\\.attention\\.output\\.dense\\.(.*)", "blocks.$1.attn.proj.$2"},
    {"encoder\\.layer\\.(\\d+)\\.intermediate\\.dense\\.(.*)", "blocks.$1.mlp.fc1.$2"},
    {"encoder\\.layer\\.(\\d+)\\.output\\.dense\\.(.*)", "blocks.$1.mlp.fc2.$2"},
    {"layers\\.(\\d+)\\.attention\\.q_proj\\.(.*)", "blocks.$1.attn.qkv.$2", 0},
    {"layers\\.(\\d+)\\.attention\\.k_proj\\.(.*)", "blocks.$1.attn.qkv.$2", 1},
    {"layers\\.(\\d+)\\.attention\\.v_proj\\.(.*)", "blocks.$1.attn.qkv.$2", 2},
    {"layers\\.(\\d+)\\.attention\\.o_proj\\.(.*)", "blocks.$1.attn.proj.$2"},
    {"layers\\.(\\d+)\\.mlp\\.(.*)", "blocks.$1.mlp.$2"},
    {"layernorm\\.(.*)", "norm.$1"},
    {"pooler\\.dense\\..*", ""},
    {"classifier\\.(.*)", "head.$1"},
};

constexpr Rule kTorchvision[] = {
    {"class_token", "cls_token"},
    {"encoder\\.pos_embedding", "pos_embed"},
    {"conv_proj\\.(.*)", "patch_embed.proj.$1"},
    {"encoder\\.layers\\.encoder_layer_(\\d+)\\.ln_1\\.(.*)", "blocks.$1.norm1.$2"},
    {"encoder\\.layers\\.encoder_layer_(\\d+)\\.ln_2\\.(.*)", "blocks.$1.norm2.$2"},
    {"encoder\\.layers\\.encoder_layer_(\\d+)\\.self_attention\\.in_proj_(.*)", "blocks.$1.attn.qkv.$2"},
    {"encoder\\.layers\\.encoder_layer_(\\d+)\\.self_attention\\.out_proj\\.(.*)", "blocks.$1.attn.proj.$2"},
    {"encoder\\.layers\\.encoder_layer_(\\d+)\\.mlp\\.(?:0|linear_1)\\.(.*)", "blocks.$1.mlp.fc1.$2"},
    {"encoder\\.layers\\.encoder_layer_(\\d+)\\.mlp\\.(?:3|linear_2)\\.(.*)", "blocks.$1.mlp.fc2.$2"},
    {"encoder\\.ln\\.(.*)", "norm.$1"},
    {"heads\\.(?:head\\.)?(weight|bias)", "head.$1"},
};

/// timm has two names for LayerScale, and biases of queries and values beside the matrix that they belong to.
constexpr Rule kTimm[] = {{"(blocks\\.\\d+)\\.gamma_([12])", "$1.ls$2.gamma"},
                          {"(blocks\\.\\d+\\.attn)\\.([qv]_bias)", "$1.qkv.$2"},
                          {"(.*)", "$1"}};

struct Dialect {
  const char* name;
  const char* sign;   ///< a name that only this dialect has
  const char* tower;  ///< stands before every name but the head's, in a model with a head
  const char* head;   ///< stands before the names of the head's tensors
  Resampling resampling;
  std::span<const Rule> rules;
};

const Dialect kDialects[] = {
    {"timm", "patch_embed.proj.weight", "", "head.", Resampling::bicubic_antialias, kTimm},
    {"Hugging Face", "embeddings.patch_embeddings.projection.weight", "vit.", "classifier.",
     Resampling::bicubic, kHuggingFace},
    {"torchvision", "conv_proj.weight", "", "heads.head.", Resampling::bicubic_corners, kTorchvision},
};

/// Parts that stand beside a classifier in the files of some trainings, or copies of it: no forward pass
/// reads them. A word stands between dots anywhere in a name; those with a * at their end are only its
/// beginning.
constexpr std::string_view kExtras[] = {
    "decoder*",        "mask_token",        "predictor",        "teacher",        "ema",
    "*_ema",           "ema_model",         "momentum_encoder", "target_encoder", "text_model",
    "text_projection", "visual_projection", "logit_scale",      "logit_bias",     "n_averaged",
    "position_ids"};

/// The beginnings of what may be a classifier's name.
constexpr std::string_view kHeads[] = {"head.",
                                       "heads.",
                                       "classifier.",
                                       "fc.",
                                       "head_dist.",
                                       "cls_classifier.",
                                       "distillation_classifier.",
                                       "last_linear.",
                                       "linear_head."};

std::string without(const std::string& prefix, const std::string& name) {
  return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
}

/// The part of `name` up to the word of kExtras in it; nothing when it has none.
std::optional<std::string> extra_part(const std::string& name) {
  for (std::size_t begin = 0; begin < name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    const std::string word = name.substr(begin, end - begin);
    for (const std::string_view extra : kExtras) {
      if (word.size() < 80 && engine::glob_match(extra, word)) return name.substr(0, end);
    }
    begin = end + 1;
  }
  return std::nullopt;
}

bool like_head(const std::string& bare) {
  return std::ranges::any_of(kHeads, [&](std::string_view head) { return bare.starts_with(head); });
}

/// The prefix without its last word: "module.vit." gives "module.".
std::string parent_of(const std::string& prefix) {
  const std::size_t dot = prefix.size() < 2 ? std::string::npos : prefix.rfind('.', prefix.size() - 2);
  return dot == std::string::npos ? std::string() : prefix.substr(0, dot + 1);
}

/// Where in a file the classifier's tensors are: their dialect, and what stands before their names.
struct Layout {
  const Dialect* dialect;
  std::string prefix;

  /// `name` without the prefix, or as much of it as stands before a head.
  std::string bare(const std::string& name) const {
    for (std::string before = prefix; !before.empty(); before = parent_of(before))
      if (name.starts_with(before)) return name.substr(before.size());
    return name;
  }
};

/// Finds the one place where a dialect's sign stands, outside of extra parts or anywhere. Nothing when there
/// is none.
std::optional<Layout> find_layout(const NamedTensors& state, bool anywhere) {
  std::optional<Layout> found;
  std::string where;
  for (const auto& [name, tensor] : state) {
    for (const Dialect& dialect : kDialects) {
      const std::string sign = dialect.sign;
      if (!name.ends_with(sign) || (!anywhere && extra_part(name))) continue;
      const std::string prefix = name.substr(0, name.size() - sign.size());
      if (!prefix.empty() && prefix.back() != '.') continue;
      engine::check(!found, "two models are in the file:", engine::in_quotes(where), "and",
                    engine::in_quotes(name), "are both the patch embedding");
      found = Layout{&dialect, prefix};
      where = name;
    }
  }
  return found;
}

/// The same: a copy of a model (an average, a teacher) counts where it is all that the file has.
std::optional<Layout> find_layout(const NamedTensors& state) {
  const auto found = find_layout(state, false);
  return found ? found : find_layout(state, true);
}

/// Queries, keys and values one below the other: [width, in] three times to [3 * width, in]; in f32 where
/// their types differ.
Tensor join(const std::string& name, std::array<Tensor, 3> thirds) {
  bool same = true;
  for (const Tensor& third : thirds) {
    engine::check(third.defined() && third.shape() == thirds[0].shape(),
                  name + ": query, key and value are not three tensors of one shape");
    const bool whole_numbers = third.dtype() == Dtype::i64 || third.dtype() == Dtype::u8;
    engine::check(third.dtype() == thirds[0].dtype() || !whole_numbers,
                  name + ": query, key and value are not of one type");
    same = same && third.dtype() == thirds[0].dtype();
  }
  if (!same) {
    for (Tensor& third : thirds) third = third.to(Dtype::f32);
  }
  std::vector<Index> dims = thirds[0].shape().dims();
  engine::check(!dims.empty(), name + ": query, key and value are single values");
  engine::check(!__builtin_mul_overflow(dims[0], 3, &dims[0]), name + ": three times", thirds[0].shape(),
                "is too large to count");
  Tensor joined = Tensor::uninitialized(Shape(std::move(dims)), thirds[0].dtype());
  for (std::size_t i = 0; i < 3; ++i)
    std::memcpy(joined.raw() + i * thirds[i].bytes(), thirds[i].raw(), thirds[i].bytes());
  return joined;
}

/// Where a tensor of some dialect goes: its timm name, and which third of that tensor it is (-1: all of it).
struct Place {
  std::string timm;
  int third = -1;
};

// No dialect has a name nearly as long; std::regex recurses at every character and would exhaust the stack.
constexpr std::size_t kLongestName = 256;

/// The places of names in a layout; nothing for a name it does not know, an empty name for what is dropped.
class Translator {
 public:
  explicit Translator(const Layout& layout) : layout_(layout) {
    for (const Rule& rule : layout.dialect->rules) patterns_.emplace_back(rule.pattern);
  }

  std::optional<Place> operator()(const std::string& name) const {
    const std::string bare = layout_.bare(name);
    const bool timm = layout_.dialect == kDialects;
    constexpr std::string_view kRenamed[] = {"gamma_1", "gamma_2", "q_bias", "v_bias"};
    const bool renamed =
        std::ranges::any_of(kRenamed, [&](std::string_view end) { return bare.ends_with(end); });
    if (timm && !renamed) return Place{bare};
    if (name.size() > kLongestName) return timm ? std::optional(Place{bare}) : std::nullopt;
    for (std::size_t i = 0; i < patterns_.size(); ++i) {
      std::smatch match;
      if (std::regex_match(bare, match, patterns_[i]))
        return Place{match.format(layout_.dialect->rules[i].timm), layout_.dialect->rules[i].third};
    }
    return std::nullopt;
  }

 private:
  const Layout& layout_;
  std::vector<std::regex> patterns_;
};

/// Where each name goes, and that no two go to one place.
class Places {
 public:
  void take(const Place& place, const std::string& name) {
    const auto [before, is_new] = taken_.emplace(std::pair(place.timm, place.third), name);
    engine::check(is_new, "two tensors are", engine::in_quotes(place.timm) + ":",
                  engine::in_quotes(before->second), "and", engine::in_quotes(name));
  }

 private:
  std::map<std::pair<std::string, int>, std::string> taken_;
};

}  // namespace

TimmNames read_names(const NamedTensors& state, bool with_head) {
  const std::optional<Layout> layout = find_layout(state);
  if (!layout) return {.tensors = state, .left_out = {}};
  const Translator translate(*layout);
  TimmNames names{.tensors = {},
                  .left_out = {},
                  .torchvision = layout->dialect == &kDialects[2],
                  .resampling = layout->dialect->resampling};
  std::map<std::string, std::array<Tensor, 3>> thirds;
  std::set<std::string> left_out;
  Places places;
  for (const auto& [name, tensor] : state) {
    const std::string bare = layout->bare(name);
    if (const auto part = extra_part(bare)) {
      left_out.insert(*part);
      continue;
    }
    if (!with_head && like_head(bare)) continue;
    const std::optional<Place> place = translate(name);
    if (place && !place->timm.empty()) places.take(*place, name);
    engine::check(name.starts_with(layout->prefix) || like_head(bare),
                  "the names of the model's tensors begin with",
                  engine::in_quotes(layout->prefix) + ", but not that of", engine::in_quotes(name));
    if (!place)
      names.tensors.emplace_back(name, tensor);
    else if (place->third >= 0)
      thirds[place->timm][static_cast<std::size_t>(place->third)] = tensor;
    else if (!place->timm.empty())
      names.tensors.emplace_back(place->timm, tensor);
  }
  for (const auto& [name, parts] : thirds) names.tensors.emplace_back(name, join(name, parts));
  names.left_out.assign(left_out.begin(), left_out.end());
  return names;
}

NamedTensors to_timm_names(const NamedTensors& state) {
  return read_names(state).tensors;
}

NamedTensors to_names_of(const NamedTensors& timm, const NamedTensors& like) {
  const std::optional<Layout> layout = find_layout(like);
  if (!layout) return timm;
  const Translator translate(*layout);
  std::map<std::string, Tensor> left(timm.begin(), timm.end());
  const std::map<std::string, Tensor> all = left;
  NamedTensors renamed;
  for (const auto& [name, tensor] : like) {
    const std::string bare = layout->bare(name);
    const std::optional<Place> place = extra_part(bare) ? std::nullopt : translate(name);
    const auto found = place ? all.find(place->timm) : all.end();
    if (found == all.end()) {
      if (extra_part(bare) || !like_head(bare)) renamed.emplace_back(name, tensor);
      continue;
    }
    const Index rows = found->second.shape().rows() / 3;
    renamed.emplace_back(name, place->third < 0
                                   ? found->second
                                   : found->second.slice(rows * place->third, rows * (place->third + 1)));
    left.erase(place->timm);
  }
  // A head that the checkpoint did not have.
  const std::string tower = layout->dialect->tower;
  const std::string before = !tower.empty() && layout->prefix.ends_with(tower)
                                 ? layout->prefix.substr(0, layout->prefix.size() - tower.size())
                                 : layout->prefix;
  for (const auto& [name, tensor] : left)
    renamed.emplace_back(before + layout->dialect->head + without("head.", name), tensor);
  return renamed;
}

}  // namespace models
