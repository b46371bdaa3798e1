#include "tools/exports/onnx_vit.h"

#include <array>
#include <cmath>
#include <map>
#include <numbers>

#include "engine/base/text.h"
#include "engine/nn/roles.h"
#include "engine/nn/state.h"
#include "models/geometry.h"

namespace exports {

using engine::Activation;
using engine::NamedTensors;
using engine::Tensor;
using models::MlpForm;
using models::Pooling;
using models::Positions;
using models::QkvForm;
using models::RopeConfig;
using models::VitConfig;
using Value = OnnxGraph::Value;
using Axis = OnnxGraph::Axis;
using Ints = std::vector<Index>;

namespace {

constexpr const char* kBatch = "batch";

/// The parts of a Vision Transformer as nodes, each beside none that it does not need. Shapes are those of
/// models/: [batch, tokens, width] between blocks, [batch, heads, tokens, head] in attention.
class VitGraph {
 public:
  VitGraph(const VitConfig& config, const NamedTensors& state, const std::string& name)
      : c_(config), state_(state.begin(), state.end()), graph_(name), geometry_(config) {
    if (c_.rope.kind == RopeConfig::Kind::mixed) {
      const std::string freqs = dotted(engine::kRopeName, "freqs");
      engine::load_state(geometry_, NamedTensors{{"freqs", take(freqs)}}, freqs);
    }
  }

  OnnxGraph built() && {
    const Value pixels = graph_.input("pixel_values", {kBatch, c_.channels, c_.image_height, c_.image_width});
    Value x = embed(pixels);
    for (Index i = 0; i < c_.depth; ++i) x = block(x, i);
    if (c_.final_norm) x = norm(x, std::string(engine::kFinalNormName));
    const bool head = c_.classes > 0;
    graph_.output(answer(x), head ? "logits" : "features", {kBatch, head ? c_.classes : c_.head_width()});
    check_complete();
    return std::move(graph_);
  }

 private:
  static std::string dotted(std::string_view place, std::string_view name) {
    return std::string(place) + '.' + std::string(name);
  }

  // What the model holds.

  bool has(const std::string& name) const { return state_.contains(name); }
  const Tensor& take(const std::string& name) {
    const auto found = state_.find(name);
    engine::check(found != state_.end(), "onnx: the model has no", name);
    taken_.insert(name);
    return found->second;
  }
  Value stored(const std::string& name) { return graph_.tensor(name, take(name)); }
  void check_complete() const {
    std::vector<std::string> left;
    for (const auto& [name, tensor] : state_)
      if (!taken_.contains(name)) left.push_back(name);
    engine::check(left.empty(), "onnx: the graph has no place for", engine::join(left, ", "));
  }

  // Operators. Of two arguments that add to the graph the first is made before the call: the order of
  // arguments is the compiler's, and the same model is to have the same bytes.

  Value add(const std::string& place, const Value& a, const Value& b) {
    return graph_.node("Add", place, {a, b});
  }
  Value multiply(const std::string& place, const Value& a, const Value& b) {
    return graph_.node("Mul", place, {a, b});
  }
  Value matmul(const std::string& place, const Value& a, const Value& b) {
    return graph_.node("MatMul", place, {a, b});
  }
  /// A length of 0 stays as it is.
  Value reshape(const std::string& place, const Value& x, const Ints& shape) {
    return graph_.node("Reshape", place, {x, graph_.integers(shape)});
  }
  Value transpose(const std::string& place, const Value& x, Ints axes) {
    return graph_.node("Transpose", place, {x}, {{"perm", std::move(axes)}});
  }
  /// Entry `index` of an axis, which goes.
  Value entry(const std::string& place, const Value& x, Index axis, Index index) {
    return graph_.node("Gather", place, {x, graph_.integer(index)}, {{"axis", axis}});
  }
  Value concat(const std::string& place, std::vector<Value> parts, Index axis) {
    return parts.size() == 1 ? parts[0] : graph_.node("Concat", place, std::move(parts), {{"axis", axis}});
  }

  // Layers.

  Value linear(const Value& x, const std::string& place) { return matmul_and_bias(x, place, bias_of(place)); }
  Value matmul_and_bias(const Value& x, const std::string& place, const Value& bias) {
    const Value weight = graph_.transposed(place + ".weight_t", take(place + ".weight"));
    const Value y = matmul(place, x, weight);
    return bias.empty() ? y : add(place, y, bias);
  }
  /// The name of what is added, empty where there is nothing.
  Value bias_of(const std::string& place) { return has(place + ".bias") ? stored(place + ".bias") : Value(); }

  Value norm(const Value& x, const std::string& place) {
    const auto eps = static_cast<float>(c_.norm_eps);
    const Value weight = stored(place + ".weight");
    if (c_.norm == engine::Norm::Kind::layer)
      return graph_.node("LayerNormalization", place, {x, weight, stored(place + ".bias")},
                         {{"axis", Index{-1}}, {"epsilon", eps}});
    // RMSNormalization comes with opset 23 only.
    const Value squares = graph_.node("Pow", place, {x, graph_.number(2)});
    const Value mean =
        graph_.node("ReduceMean", place, {squares}, {{"axes", Ints{-1}}, {"keepdims", Index{1}}});
    const Value root = graph_.node("Sqrt", place, {add(place, mean, graph_.number(eps))});
    return multiply(place, graph_.node("Div", place, {x, root}), weight);
  }

  /// In the form that ONNX Runtime makes one operator of: of the exact GELU that is (x (1 + erf)) 0.5 with a
  /// division by the root of 2, and neither x (0.5 (1 + erf)) nor a multiplication.
  Value activate(const Value& x, const std::string& place) {
    const auto number = [&](double value) { return graph_.number(static_cast<float>(value)); };
    const auto of_two_halves = [&](const Value& odd) {
      const Value whole = multiply(place, x, add(place, odd, number(1)));
      return multiply(place, whole, number(0.5));
    };
    switch (c_.activation) {
      case Activation::none:
        return x;
      case Activation::gelu:
        return of_two_halves(
            graph_.node("Erf", place, {graph_.node("Div", place, {x, number(std::numbers::sqrt2)})}));
      case Activation::gelu_tanh: {
        Value cube = graph_.node("Pow", place, {x, number(3)});
        cube = multiply(place, cube, number(0.044715));
        const Value sum = add(place, x, cube);
        const Value inner = multiply(place, sum, number(std::sqrt(2 / std::numbers::pi)));
        return of_two_halves(graph_.node("Tanh", place, {inner}));
      }
      case Activation::quick_gelu:
        return multiply(place, x, graph_.node("Sigmoid", place, {multiply(place, x, number(1.702))}));
      case Activation::silu:
        return silu(x, place);
    }
    throw engine::Error("onnx: " + place + " has an activation that is not known");
  }
  Value silu(const Value& x, const std::string& place) {
    return multiply(place, x, graph_.node("Sigmoid", place, {x}));
  }

  // An image becomes tokens.

  Value embed(const Value& pixels) {
    const std::string place(engine::kPatchEmbedName), proj = place + ".proj";
    std::vector<Value> inputs{pixels, stored(proj + ".weight")};
    if (const Value bias = bias_of(proj); !bias.empty()) inputs.push_back(bias);
    const Ints patch{c_.patch, c_.patch};
    Value x = graph_.node("Conv", proj, inputs, {{"kernel_shape", patch}, {"strides", patch}});
    x = transpose(proj, reshape(proj, x, {0, c_.width, c_.patches()}), {0, 2, 1});
    if (c_.patch_norm) x = norm(x, place + ".norm");
    if (c_.prefix() > 0) x = with_prefix(x);
    if (c_.positions != Positions::none) {
      const std::string name(engine::kPositionsName);
      x = add(name, x, graph_.tensor(name, positions(take(name))));
    }
    return c_.norm_pre ? norm(x, std::string(engine::kPreNormName)) : x;
  }

  /// Class token, distillation token and registers before the patches.
  Value with_prefix(const Value& x) {
    const std::string place = "prefix";
    std::vector<Value> tokens;
    for (const std::string_view name :
         {engine::kClassTokenName, engine::kDistillationTokenName, engine::kRegistersName})
      if (has(std::string(name))) tokens.push_back(stored(std::string(name)));
    const Value batch = graph_.node("Shape", place, {x}, {{"start", Index{0}}, {"end", Index{1}}});
    const Value shape = concat(place, {batch, graph_.integers({c_.prefix(), c_.width})}, 0);
    const Value repeated = graph_.node("Expand", place, {concat(place, tokens, 1), shape});
    return concat(place, {repeated, x}, 1);
  }

  /// Of every token: zeros of those that have none in `given`.
  Tensor positions(const Tensor& given) const {
    const Index missing = c_.prefix() - c_.positioned_prefix();
    if (missing == 0) return given;
    Tensor all = Tensor::zeros({1, c_.tokens(), c_.width});
    const auto from = given.data<float>();
    const auto named = static_cast<std::size_t>(c_.positioned_prefix() * c_.width);
    std::ranges::copy(from.first(named), all.data<float>().begin());
    std::ranges::copy(from.subspan(named), all.data<float>().last(from.size() - named).begin());
    return all;
  }

  // Blocks.

  Value block(const Value& x, Index i) {
    const std::string place = dotted(engine::kBlocksName, std::to_string(i));
    const Value y = branch(x, attention(norm(x, place + ".norm1"), dotted(place, engine::kAttentionName), i),
                           place, ".ls1");
    return branch(y, mlp(norm(y, place + ".norm2"), dotted(place, engine::kMlpName), c_.mlp), place, ".ls2");
  }
  /// x + y, y times its LayerScale where there is one.
  Value branch(const Value& x, Value y, const std::string& place, const std::string& scale) {
    if (c_.layer_scale) y = multiply(place + scale, y, stored(place + scale + ".gamma"));
    return add(place, x, y);
  }

  Value mlp(const Value& x, const std::string& place, MlpForm form, bool plain_only = false) {
    Value y;
    if (form == MlpForm::plain) {
      y = activate(linear(x, place + ".fc1"), place + ".act");
    } else if (form == MlpForm::swiglu) {
      const auto halves = graph_.nodes("Split", place + ".fc1",
                                       {linear(x, place + ".fc1"), graph_.integers({c_.hidden, c_.hidden})},
                                       {{"axis", Index{-1}}}, 2);
      y = multiply(place, silu(halves[0], place + ".act"), halves[1]);
    } else {
      const Value gate = silu(linear(x, place + ".fc1_g"), place + ".act");
      y = multiply(place, gate, linear(x, place + ".fc1_x"));
    }
    if (c_.mlp_norm && !plain_only) y = norm(y, place + ".norm");
    return linear(y, place + ".fc2");
  }

  Value attention(const Value& x, const std::string& place, Index i) {
    std::array<Value, 3> qkv;  // [batch, heads, tokens, head]
    if (c_.qkv == QkvForm::split) {
      constexpr std::array kNames{engine::kQueryName, engine::kKeyName, engine::kValueName};
      for (std::size_t j = 0; j < qkv.size(); ++j) {
        const std::string name = dotted(place, kNames[j]);
        qkv[j] = transpose(name, reshape(name, linear(x, name), {0, 0, c_.heads, head()}), {0, 2, 1, 3});
      }
    } else {
      const std::string name = dotted(place, engine::kQkvName);
      const auto parts = split_heads(matmul_and_bias(x, name, qkv_bias(name)), name, 3, c_.heads);
      std::ranges::copy(parts, qkv.begin());
    }
    if (c_.rope.kind != RopeConfig::Kind::none)
      for (const std::size_t j : {0, 1}) qkv[j] = rotate(qkv[j], place, i);
    Value y = attend(qkv, place, head(), relative_bias(place));
    y = reshape(place, transpose(place, y, {0, 2, 1, 3}), {0, 0, c_.width});
    if (c_.attention_norm) y = norm(y, place + ".norm");
    return linear(y, place + ".proj");
  }

  Index head() const { return c_.width / c_.heads; }

  /// x [batch, tokens, parts * width] as so many [batch, heads, tokens, head].
  std::vector<Value> split_heads(const Value& x, const std::string& place, Index parts, Index heads) {
    const Value apart =
        transpose(place, reshape(place, x, {0, 0, parts, heads, c_.width / heads}), {2, 0, 3, 1, 4});
    std::vector<Value> all;
    for (Index i = 0; i < parts; ++i) all.push_back(entry(place, apart, 0, i));
    return all;
  }

  /// The bias of queries, keys and values; zeros for the keys where only the others have one.
  Value qkv_bias(const std::string& place) {
    if (c_.qkv != QkvForm::joint_with_query_value_bias) return bias_of(place);
    const auto q = take(dotted(place, engine::kQueryBiasName)).data<float>(),
               v = take(dotted(place, engine::kValueBiasName)).data<float>();
    Tensor all = Tensor::zeros({3 * c_.width});
    std::ranges::copy(q, all.data<float>().begin());
    std::ranges::copy(v, all.data<float>().last(v.size()).begin());
    return graph_.tensor(place + ".bias", all);
  }

  /// softmax(q k^T / sqrt(head) + bias) v.
  Value attend(const std::array<Value, 3>& qkv, const std::string& place, Index width, const Value& bias) {
    const auto scale = static_cast<float>(1 / std::sqrt(static_cast<double>(width)));
    const Value queries = multiply(place, qkv[0], graph_.number(scale));
    Value scores = matmul(place, queries, transpose(place, qkv[1], {0, 1, 3, 2}));
    if (!bias.empty()) scores = add(place, scores, bias);
    return matmul(place, graph_.node("Softmax", place, {scores}, {{"axis", Index{-1}}}), qkv[2]);
  }

  /// [heads, tokens, tokens] from the table, or the name of nothing.
  Value relative_bias(const std::string& place) {
    if (!c_.relative_bias) return {};
    const std::string name = dotted(place, engine::kBiasTableName);
    const Value entries =
        graph_.integers("relative_positions", relative_entries(), {c_.tokens(), c_.tokens()});
    return transpose(name, graph_.node("Gather", name, {stored(name), entries}, {{"axis", Index{0}}}),
                     {2, 0, 1});
  }
  /// The entry of the table for every query and key (kernels::RelativeBias).
  Ints relative_entries() const {
    const Index down = c_.down(), across = c_.across(), grid = (2 * down - 1) * (2 * across - 1);
    Ints all;
    for (Index query = -1; query < c_.patches(); ++query) {
      for (Index key = -1; key < c_.patches(); ++key) {
        if (query < 0 || key < 0) {
          all.push_back(query >= 0 ? grid + 1 : key >= 0 ? grid : grid + 2);
        } else {
          const Index y = query / across - key / across, x = query % across - key % across;
          all.push_back((y + down - 1) * (2 * across - 1) + x + across - 1);
        }
      }
    }
    return all;
  }

  /// x cos + (x with the two values of each pair swapped) sin, the sine of the first of a pair being negative
  /// (engine::rotate). Prefix tokens are turned by 0.
  Value rotate(const Value& x, const std::string& attention, Index i) {
    const bool mixed = c_.rope.kind == RopeConfig::Kind::mixed;
    const std::string place = dotted(attention, engine::kRopeName);
    const std::string tables = mixed ? place : std::string(engine::kRopeName);
    const Tensor turns = geometry_.turns(i, engine::Dtype::f32);  // [1 or heads, patches, half, 2]
    const Index count = turns.shape()[0], half = turns.shape()[2], d = 2 * half, prefix = c_.prefix();
    const bool neighbours = geometry_.pairs() == engine::RotaryPairs::neighbours;
    Tensor cosines = Tensor::full({count, c_.tokens(), d}, 1), sines = Tensor::zeros({count, c_.tokens(), d});
    Ints swapped(static_cast<std::size_t>(d));
    for (Index j = 0; j < half; ++j) {
      const Index first = neighbours ? 2 * j : j, second = neighbours ? 2 * j + 1 : j + half;
      swapped[static_cast<std::size_t>(first)] = second, swapped[static_cast<std::size_t>(second)] = first;
      for (Index t = 0; t < count * c_.patches(); ++t) {
        const Index row = (t / c_.patches() * c_.tokens() + prefix + t % c_.patches()) * d;
        const float* const turn = turns.data<float>().data() + (t * half + j) * 2;
        cosines.data<float>()[static_cast<std::size_t>(row + first)] = turn[0];
        cosines.data<float>()[static_cast<std::size_t>(row + second)] = turn[0];
        sines.data<float>()[static_cast<std::size_t>(row + first)] = -turn[1];
        sines.data<float>()[static_cast<std::size_t>(row + second)] = turn[1];
      }
    }
    const Value others = graph_.node("Gather", place, {x, graph_.integers("rope.swapped", swapped, {d})},
                                     {{"axis", Index{-1}}});
    const Value kept = multiply(place, x, graph_.tensor(tables + ".cos", cosines));
    return add(place, kept, multiply(place, others, graph_.tensor(tables + ".sin", sines)));
  }

  // Behind the blocks.

  /// Class scores, or features without a head, of x [batch, tokens, width].
  Value answer(const Value& x) {
    if (c_.distillation_token && c_.pooling == Pooling::token) {
      const Value first = head(pooled_norm(entry("pool", x, 1, 0)), engine::kHeadName);
      const Value second = head(pooled_norm(entry("pool", x, 1, 1)), engine::kDistillationHeadName);
      const Value sum = add("mean", first, second);
      return multiply("mean", sum, graph_.number(0.5f));
    }
    return head(pooled_norm(pooled(x)), engine::kHeadName);
  }
  Value head(const Value& x, std::string_view name) {
    return c_.classes > 0 ? linear(x, std::string(name)) : x;
  }
  Value pooled_norm(const Value& x) { return c_.fc_norm ? norm(x, std::string(engine::kPooledNormName)) : x; }

  Value pooled(const Value& x) {
    switch (c_.pooling) {
      case Pooling::token:
        return entry("pool", x, 1, 0);
      case Pooling::average:
        return average(x);
      case Pooling::attention:
        return attention_pool(x, std::string(engine::kAttentionPoolName));
      case Pooling::token_and_average:
        return concat("pool", {entry("pool", x, 1, 0), average(x)}, -1);
    }
    throw engine::Error("onnx: a pooling that is not known");
  }
  /// Of the patches, which are the last tokens.
  Value average(Value x) {
    if (c_.prefix() > 0)
      x = graph_.node(
          "Slice", "pool",
          {x, graph_.integers({c_.prefix()}), graph_.integers({c_.tokens()}), graph_.integers({1})});
    return graph_.node("ReduceMean", "pool", {x}, {{"axes", Ints{1}}, {"keepdims", Index{0}}});
  }
  Value attention_pool(const Value& x, const std::string& place) {
    const Index heads = c_.pool_heads > 0 ? c_.pool_heads : c_.heads, width = c_.width / heads;
    Value query = reshape(place, linear(stored(place + ".latent"), place + ".q"), {1, 1, heads, width});
    query = transpose(place, query, {0, 2, 1, 3});
    const auto kv = split_heads(linear(x, place + ".kv"), place + ".kv", 2, heads);
    const Value found = attend({query, kv[0], kv[1]}, place, width, {});
    const Value y =
        linear(reshape(place, transpose(place, found, {0, 2, 1, 3}), {0, c_.width}), place + ".proj");
    return add(place, y,
               mlp(norm(y, place + ".norm"), dotted(place, engine::kMlpName), MlpForm::plain, true));
  }

  VitConfig c_;
  std::map<std::string, Tensor> state_;
  std::set<std::string> taken_;
  OnnxGraph graph_;
  models::Geometry geometry_;
};

}  // namespace

OnnxGraph onnx_graph(const VitConfig& config, const NamedTensors& state, const std::string& name) {
  return VitGraph(config, state, name).built();
}

}  // namespace exports
