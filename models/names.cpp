#include "models/names.h"

#include <array>
#include <cstring>
#include <map>
#include <optional>
#include <regex>
#include <span>

namespace models {

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
    {"embeddings\\.mask_token", ""},
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
    {"heads\\.head\\.(.*)", "head.$1"},
};

struct Dialect {
  const char* sign;    ///< a name that only this dialect has
  const char* prefix;  ///< may stand before every name
  const char* head;    ///< stands before the names of the head's tensors
  std::span<const Rule> rules;
};

const Dialect kDialects[] = {
    {"embeddings.patch_embeddings.projection.weight", "vit.", "classifier.", kHuggingFace},
    {"conv_proj.weight", "", "heads.head.", kTorchvision},
};

std::string without(const std::string& prefix, const std::string& name) {
  return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
}

const Dialect* find_dialect(const NamedTensors& state) {
  for (const Dialect& dialect : kDialects) {
    for (const auto& [name, tensor] : state) {
      if (without(dialect.prefix, name) == dialect.sign) return &dialect;
    }
  }
  return nullptr;
}

/// Queries, keys and values one below the other: [width, in] three times to [3 * width, in].
Tensor join(const std::string& name, const std::array<Tensor, 3>& thirds) {
  for (const Tensor& third : thirds) {
    engine::check(third.defined() && third.shape() == thirds[0].shape() && third.dtype() == thirds[0].dtype(),
                  name + ": query, key and value are not three tensors of one shape and type");
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

/// The places of names in a dialect; nothing for a name it does not know, an empty name for what is dropped.
class Translator {
 public:
  explicit Translator(const Dialect& dialect) : dialect_(dialect) {
    for (const Rule& rule : dialect.rules) patterns_.emplace_back(rule.pattern);
  }

  std::optional<Place> operator()(const std::string& name) const {
    if (name.size() > kLongestName) return std::nullopt;
    const std::string bare = without(dialect_.prefix, name);
    for (std::size_t i = 0; i < patterns_.size(); ++i) {
      std::smatch match;
      if (std::regex_match(bare, match, patterns_[i]))
        return Place{match.format(dialect_.rules[i].timm), dialect_.rules[i].third};
    }
    return std::nullopt;
  }

 private:
  const Dialect& dialect_;
  std::vector<std::regex> patterns_;
};

}  // namespace

NamedTensors to_timm_names(const NamedTensors& state) {
  const Dialect* dialect = find_dialect(state);
  if (!dialect) return state;
  const Translator translate(*dialect);
  NamedTensors renamed;
  std::map<std::string, std::array<Tensor, 3>> thirds;
  for (const auto& [name, tensor] : state) {
    const std::optional<Place> place = translate(name);
    if (!place)
      renamed.emplace_back(name, tensor);
    else if (place->third >= 0)
      thirds[place->timm][static_cast<std::size_t>(place->third)] = tensor;
    else if (!place->timm.empty())
      renamed.emplace_back(place->timm, tensor);
  }
  for (const auto& [name, parts] : thirds) renamed.emplace_back(name, join(name, parts));
  return renamed;
}

NamedTensors to_names_of(const NamedTensors& timm, const NamedTensors& like) {
  const Dialect* dialect = find_dialect(like);
  if (!dialect) return timm;
  const Translator translate(*dialect);
  std::map<std::string, Tensor> left(timm.begin(), timm.end());
  const std::map<std::string, Tensor> all = left;
  NamedTensors renamed;
  for (const auto& [name, tensor] : like) {
    const std::optional<Place> place = translate(name);
    const auto found = place ? all.find(place->timm) : all.end();
    if (found == all.end()) {
      renamed.emplace_back(name, tensor);
      continue;
    }
    const Index rows = found->second.shape().rows() / 3;
    renamed.emplace_back(name, place->third < 0
                                   ? found->second
                                   : found->second.slice(rows * place->third, rows * (place->third + 1)));
    left.erase(place->timm);
  }
  // A head that the checkpoint did not have.
  for (const auto& [name, tensor] : left)
    renamed.emplace_back(dialect->head + without("head.", name), tensor);
  return renamed;
}

}  // namespace models
