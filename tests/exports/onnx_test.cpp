#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <set>

#include "engine/nn/state.h"
#include "models/vit.h"
#include "tests/engine/io/temporary_folder.h"
#include "tests/support/protobuf_reader.h"
#include "tools/exports/formats.h"
#include "tools/exports/onnx_file.h"
#include "tools/exports/onnx_vit.h"

namespace exports {
namespace {

using engine::NamedTensors;
using engine::Tensor;
using models::VitConfig;
using support::ProtobufReader;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Names = std::vector<std::string>;

VitConfig small() {
  VitConfig c;
  c.image_height = 24, c.image_width = 16, c.patch = 8;
  c.width = 24, c.depth = 2, c.heads = 3, c.hidden = 48, c.classes = 5;
  return c;
}

NamedTensors state_of(const VitConfig& config) {
  models::Vit model(config);
  models::initialize(model, 1);
  NamedTensors state;
  for (const auto& [name, tensor] : engine::state(model)) state.emplace_back(name, tensor.clone());
  return state;
}

struct Node {
  std::string op, name;
  Names inputs, outputs;
};
struct Initializer {
  std::vector<Index> shape;
  Index type = 0;
  std::string bytes;
  std::map<std::string, std::string> outside;
};

Names texts(const ProtobufReader& message, int field) {
  Names all;
  for (const auto& one : message.all(field)) all.emplace_back(one.bytes);
  return all;
}

/// An ONNX file that is read again.
struct Model {
  explicit Model(std::string content) : bytes(std::move(content)) {
    const ProtobufReader model(bytes), graph = model.message(7);
    ir_version = model.integer(1);
    producer = model.text(2);
    opset = model.message(8).integer(2);
    for (const ProtobufReader& entry : model.messages(14)) metadata[entry.text(1)] = entry.text(2);
    for (const ProtobufReader& node : graph.messages(1))
      nodes.push_back({node.text(4), node.text(3), texts(node, 1), texts(node, 2)});
    for (const ProtobufReader& t : graph.messages(5)) {
      Initializer one{{}, t.integer(2), t.text(9), {}};
      for (const auto& length : t.all(1)) one.shape.push_back(static_cast<Index>(length.value));
      for (const ProtobufReader& entry : t.messages(13)) one.outside[entry.text(1)] = entry.text(2);
      EXPECT_EQ(t.integer(14), one.outside.empty() ? 0 : 1);
      EXPECT_TRUE(initializers.emplace(t.text(8), one).second) << t.text(8);
    }
    for (const auto& [field, ports] : {std::pair{11, &inputs}, std::pair{12, &outputs}})
      for (const ProtobufReader& port : graph.messages(field)) {
        const ProtobufReader tensor = port.message(2).message(1);
        EXPECT_EQ(tensor.integer(1), 1) << "F32";
        Names axes{port.text(1)};
        for (const ProtobufReader& axis : tensor.message(2).messages(1))
          axes.push_back(axis.has(1) ? std::to_string(axis.integer(1)) : axis.text(2));
        ports->push_back(axes);
      }
  }
  Names ops() const {
    Names all;
    for (const Node& node : nodes) all.push_back(node.op);
    return all;
  }
  Index count(const std::string& op) const {
    const Names all = ops();
    return std::ranges::count(all, op);
  }

  std::string bytes, producer;
  Index ir_version = 0, opset = 0;
  std::map<std::string, std::string> metadata;
  std::vector<Node> nodes;
  std::map<std::string, Initializer> initializers;
  std::vector<Names> inputs, outputs;
};

class OnnxFile : public ::testing::Test {
 protected:
  Model written(const VitConfig& config, const OnnxWeights& weights = {}, const engine::Metadata& text = {}) {
    write_onnx(path, onnx_graph(config, state_of(config), "vit"), text, weights);
    return Model(engine::get(path));
  }

  engine::TemporaryFolder folder;
  std::filesystem::path path = folder / "model.onnx";
};

/// Every value is made once, and before it is read; everything is read.
void expect_sound(const Model& model) {
  std::set<std::string> made, read;
  for (const auto& [name, tensor] : model.initializers) EXPECT_TRUE(made.insert(name).second) << name;
  for (const Names& input : model.inputs) EXPECT_TRUE(made.insert(input[0]).second) << input[0];
  std::set<std::string> nodes;
  for (const Node& node : model.nodes) {
    EXPECT_TRUE(nodes.insert(node.name).second) << node.name;
    for (const std::string& input : node.inputs) {
      EXPECT_TRUE(made.contains(input)) << node.name << " reads " << input;
      read.insert(input);
    }
    for (const std::string& output : node.outputs) EXPECT_TRUE(made.insert(output).second) << output;
  }
  for (const Names& output : model.outputs) {
    EXPECT_TRUE(made.contains(output[0])) << output[0];
    read.insert(output[0]);
  }
  EXPECT_EQ(made, read);
}

TEST_F(OnnxFile, states_what_readers_need) {
  const Model model = written(small(), {}, {{"classes", "[\"a\"]"}, {"preprocessing", "{}"}});
  EXPECT_EQ(model.ir_version, 8);
  EXPECT_EQ(model.opset, 17);
  EXPECT_EQ(model.producer, "espalier");
  EXPECT_EQ(model.metadata,
            (std::map<std::string, std::string>{{"classes", "[\"a\"]"}, {"preprocessing", "{}"}}));
  EXPECT_THAT(model.inputs, ElementsAre(ElementsAre("pixel_values", "batch", "3", "24", "16")));
  EXPECT_THAT(model.outputs, ElementsAre(ElementsAre("logits", "batch", "5")));
  expect_sound(model);
}

TEST_F(OnnxFile, computes_a_vit_in_the_order_in_which_an_image_meets_its_parts) {
  VitConfig c = small();
  c.depth = 1;
  EXPECT_THAT(written(c).ops(),
              ElementsAre("Conv", "Reshape", "Transpose", "Shape", "Concat", "Expand", "Concat", "Add",
                          // attention
                          "LayerNormalization", "MatMul", "Add", "Reshape", "Transpose", "Gather", "Gather",
                          "Gather", "Mul", "Transpose", "MatMul", "Softmax", "MatMul", "Transpose", "Reshape",
                          "MatMul", "Add", "Add",
                          // MLP
                          "LayerNormalization", "MatMul", "Add", "Div", "Erf", "Add", "Mul", "Mul", "MatMul",
                          "Add", "Add",
                          // head
                          "LayerNormalization", "Gather", "MatMul", "Add", "Identity"));
}

TEST_F(OnnxFile, holds_the_values_and_linear_weights_transposed) {
  const Model model = written(small());
  for (const auto& [name, tensor] : state_of(small())) {
    const bool linear = tensor.shape().rank() == 2;
    ASSERT_TRUE(model.initializers.contains(linear ? name + "_t" : name)) << name;
    const Initializer& found = model.initializers.at(linear ? name + "_t" : name);
    std::vector<Index> shape = tensor.shape().dims();
    if (linear) std::swap(shape[0], shape[1]);
    EXPECT_EQ(found.shape, shape) << name;
    EXPECT_EQ(found.type, 1);
    ASSERT_EQ(found.bytes.size(), tensor.bytes()) << name;
    std::vector<float> values(static_cast<std::size_t>(tensor.numel()));
    std::memcpy(values.data(), found.bytes.data(), found.bytes.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::size_t rows = static_cast<std::size_t>(shape[0]), columns = values.size() / rows;
      const std::size_t at = linear ? i % columns * rows + i / columns : i;
      ASSERT_EQ(values[i], tensor.data<float>()[at]) << name << ' ' << i;
    }
  }
}

TEST_F(OnnxFile, of_the_same_model_has_the_same_bytes_and_no_path) {
  const std::string bytes = written(small()).bytes;
  path = folder / "other.onnx";
  EXPECT_EQ(written(small()).bytes, bytes);
  EXPECT_THAT(bytes, ::testing::Not(HasSubstr(folder.path().string())));
  EXPECT_THAT(bytes, ::testing::Not(HasSubstr("other")));
}

TEST_F(OnnxFile, puts_tensors_beside_itself_when_it_would_be_too_large) {
  const Model whole = written(small());
  EXPECT_THAT(folder.names(), ElementsAre("model.onnx"));
  const OnnxWeights exactly{.largest_file = whole.bytes.size()}, less{.largest_file = whole.bytes.size() - 1};
  EXPECT_EQ(written(small(), exactly).bytes, whole.bytes);
  const Model model = written(small(), less);
  EXPECT_THAT(folder.names(), ::testing::UnorderedElementsAre("model.onnx", "model.onnx.data"));
  const std::string data = engine::get(folder / "model.onnx.data");
  std::size_t outside = 0;
  for (const auto& [name, tensor] : model.initializers) {
    const std::string& bytes = whole.initializers.at(name).bytes;
    EXPECT_EQ(tensor.outside.empty(), bytes.size() < OnnxGraph::kSmallestOutside) << name;
    if (tensor.outside.empty()) {
      EXPECT_EQ(tensor.bytes, bytes) << name;
      continue;
    }
    EXPECT_EQ(tensor.outside.at("location"), "model.onnx.data");
    EXPECT_EQ(tensor.outside.at("length"), std::to_string(bytes.size())) << name;
    EXPECT_EQ(data.substr(std::stoul(tensor.outside.at("offset")), bytes.size()), bytes) << name;
    EXPECT_THAT(tensor.bytes, IsEmpty());
    outside += bytes.size();
  }
  EXPECT_EQ(data.size(), outside);
  expect_sound(model);
}

TEST_F(OnnxFile, is_known_as_ours_by_its_beginning) {
  written(small());
  EXPECT_TRUE(is_onnx_of_ours(path));
  EXPECT_FALSE(is_onnx_of_ours(engine::put(folder / "a", "\x08\x0a\x12\x07pytorch and more")));
  EXPECT_FALSE(is_onnx_of_ours(engine::put(folder / "b", "\x08")));
}

TEST_F(OnnxFile, without_a_head_gives_features) {
  VitConfig c = small();
  c.classes = 0;
  EXPECT_THAT(written(c).outputs, ElementsAre(ElementsAre("features", "batch", "24")));
  c.pooling = models::Pooling::token_and_average;
  EXPECT_THAT(written(c).outputs, ElementsAre(ElementsAre("features", "batch", "48")));
}

TEST(OnnxGraph, has_a_place_for_everything_or_names_what_is_left) {
  NamedTensors state = state_of(small());
  state.emplace_back("blocks.1.extra.weight", Tensor::zeros({2}));
  try {
    onnx_graph(small(), state, "vit");
    ADD_FAILURE() << "took it";
  } catch (const engine::Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("no place for blocks.1.extra.weight"));
  }
  state = state_of(small());
  std::erase_if(state, [](const auto& one) { return one.first == "blocks.1.mlp.fc2.weight"; });
  EXPECT_THROW(onnx_graph(small(), state, "vit"), engine::Error);
}

TEST(OnnxFormat, is_written_in_f32_alone) {
  EXPECT_NO_THROW(check_dtype(find_format("onnx"), "f32"));
  EXPECT_THROW(check_dtype(find_format("onnx"), "bf16"), engine::Error);
  EXPECT_THROW(find_format("onyx"), engine::Error);
}

/// A part that a model may have, and operators that it is recognised by.
struct Part {
  const char* name;
  void (*change)(VitConfig&);
  std::map<std::string, Index> counts;
};
void PrintTo(const Part& part, std::ostream* out) {
  *out << part.name;
}

class OnnxParts : public OnnxFile, public ::testing::WithParamInterface<Part> {};

TEST_P(OnnxParts, are_in_the_graph) {
  VitConfig c = small();
  GetParam().change(c);
  models::check_config(c);
  const Model model = written(c);
  expect_sound(model);
  for (const auto& [op, count] : GetParam().counts) EXPECT_EQ(model.count(op), count) << op;
}

using models::MlpForm, models::Pooling, models::Positions, models::QkvForm;
using Rope = models::RopeConfig::Kind;

INSTANTIATE_TEST_SUITE_P(
    , OnnxParts,
    ::testing::Values(
        Part{"distillation",
             [](VitConfig& c) { c.distillation_token = true; },
             {{"MatMul", 14}, {"Concat", 3}}},
        Part{"registers",
             [](VitConfig& c) { c.registers = 4, c.positions = Positions::all_but_registers; },
             {}},
        Part{"no_class_token",
             [](VitConfig& c) { c.class_token = false, c.pooling = Pooling::average; },
             {{"Concat", 0}, {"Slice", 0}, {"ReduceMean", 1}}},
        Part{"average",
             [](VitConfig& c) { c.pooling = Pooling::average, c.fc_norm = true, c.final_norm = false; },
             {{"Slice", 1}, {"LayerNormalization", 5}}},
        Part{"positions_of_patches", [](VitConfig& c) { c.positions = Positions::patches; }, {{"Add", 16}}},
        Part{"no_positions", [](VitConfig& c) { c.positions = Positions::none; }, {{"Add", 15}}},
        Part{"norm_pre",
             [](VitConfig& c) { c.norm_pre = true, c.patch_bias = false; },
             {{"LayerNormalization", 6}}},
        Part{"rms",
             [](VitConfig& c) { c.norm = engine::Norm::Kind::rms, c.patch_norm = true; },
             {{"LayerNormalization", 0}, {"Pow", 6}}},
        Part{"layer_scale", [](VitConfig& c) { c.layer_scale = true; }, {{"Mul", 10}}},
        Part{"query_value_bias", [](VitConfig& c) { c.qkv = QkvForm::joint_with_query_value_bias; }, {}},
        Part{"no_biases",
             [](VitConfig& c) { c.qkv = QkvForm::joint_without_bias, c.proj_bias = c.mlp_bias = false; },
             {{"Add", 8}}},
        Part{"split_qkv",
             [](VitConfig& c) { c.qkv = QkvForm::split, c.attention_norm = c.mlp_norm = true; },
             {{"LayerNormalization", 9}, {"MatMul", 17}}},
        Part{"swiglu",
             [](VitConfig& c) { c.mlp = MlpForm::swiglu; },
             {{"Split", 2}, {"Sigmoid", 2}, {"Erf", 0}}},
        Part{"swiglu_split", [](VitConfig& c) { c.mlp = MlpForm::swiglu_split; }, {{"MatMul", 15}}},
        Part{"gelu_tanh", [](VitConfig& c) { c.activation = engine::Activation::gelu_tanh; }, {{"Tanh", 2}}},
        Part{"quick_gelu",
             [](VitConfig& c) { c.activation = engine::Activation::quick_gelu; },
             {{"Sigmoid", 2}}},
        Part{"silu", [](VitConfig& c) { c.activation = engine::Activation::silu; }, {{"Sigmoid", 2}}},
        Part{"rope_dinov3", [](VitConfig& c) { c.rope.kind = Rope::dinov3; }, {{"Gather", 11}}},
        Part{"rope_axial",
             [](VitConfig& c) {
               c.rope = {Rope::axial, 1e4, 1, 14, true};
             },
             {{"Gather", 11}}},
        Part{"rope_mixed", [](VitConfig& c) { c.rope.kind = Rope::mixed; }, {{"Gather", 11}}},
        Part{"relative_bias", [](VitConfig& c) { c.relative_bias = true; }, {{"Gather", 9}}},
        Part{"attention_pool",
             [](VitConfig& c) { c.pooling = Pooling::attention, c.pool_heads = 2, c.pool_hidden = 40; },
             {{"Softmax", 3}}}),
    [](const auto& part) { return part.param.name; });

}  // namespace
}  // namespace exports
