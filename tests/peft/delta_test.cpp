#include "peft/delta.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/engine/io/temporary_folder.h"
#include "tests/peft/small.h"

namespace {

using engine::Index;
using engine::NamedTensors;
using engine::Safetensors;
using engine::Selection;
using engine::Tensor;
using models::Vit;

Tensor indices(std::vector<std::int64_t> at) {
  const Index count = static_cast<Index>(at.size());
  return Tensor::of<std::int64_t>({count}, std::move(at));
}

class Delta : public ::testing::Test {
 protected:
  Safetensors file(const NamedTensors& tensors) const {
    engine::write_safetensors(folder / "file.safetensors", tensors);
    return Safetensors(folder / "file.safetensors");
  }
  /// The message about this delta, without the path of the file; the model must be as before.
  std::string refused(const NamedTensors& tensors) {
    const engine::NamedTensors before = small::copy(model);
    std::vector<Selection> trained;
    for (const auto& p : engine::parameters(model)) trained.push_back(p.parameter.trains());
    const Safetensors delta = file(tensors);
    std::string message = support::error_of([&] { peft::apply_delta(model, delta); });
    EXPECT_TRUE(small::same_bits(engine::state(model), before)) << message;
    const auto after = engine::parameters(model);
    for (std::size_t i = 0; i < after.size(); ++i)
      EXPECT_EQ(after[i].parameter.trains(), trained[i]) << message << ": " << after[i].name;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    EXPECT_TRUE(message.starts_with(delta.path())) << message;
    return message.substr(std::min(message.size(), delta.path().size()));
  }

  const engine::TemporaryFolder folder;
  Vit model = small::model(small::deep());
  const std::string qkv = "blocks.0.attn.qkv.weight";  // [36, 12]
  const std::pair<std::string, Tensor> good{"head.bias", Tensor::zeros({5})};
};

TEST_F(Delta, holds_whole_rows_columns_and_elements_as_the_format_defines) {
  const auto parameter = [&](const std::string& name) {
    for (const auto& p : engine::parameters(model))
      if (p.name == name) return p.parameter;
    throw engine::Error("no " + name);
  };
  for (const auto& p : engine::parameters(model)) p.parameter.freeze();
  parameter(qkv).train(Selection::columns({1, 5}));
  parameter("blocks.1.mlp.fc2.weight").train(Selection::rows({3}));
  parameter("patch_embed.proj.weight").train(Selection::elements({0, 50, 575}));
  parameter("norm.bias").train(Selection::all());
  const NamedTensors tensors = peft::delta_of(model, peft::trained_parts(model));
  const std::map<std::string, Tensor> by_name(tensors.begin(), tensors.end());
  ASSERT_EQ(tensors.size(), 7u);
  EXPECT_TRUE(support::same_bits(by_name.at(qkv + ".columns"), indices({1, 5})));
  EXPECT_TRUE(support::same_bits(by_name.at("blocks.1.mlp.fc2.weight.rows"), indices({3})));
  EXPECT_TRUE(support::same_bits(by_name.at("patch_embed.proj.weight.elements"), indices({0, 50, 575})));
  EXPECT_TRUE(support::same_bits(by_name.at("norm.bias"), parameter("norm.bias").value()));

  const auto value = [](const Tensor& t, Index i) { return t.data<float>()[static_cast<std::size_t>(i)]; };
  const Tensor columns = by_name.at(qkv + ".values"), row = by_name.at("blocks.1.mlp.fc2.weight.values"),
               elements = by_name.at("patch_embed.proj.weight.values");
  ASSERT_EQ(columns.shape(), (engine::Shape{36, 2}));
  ASSERT_EQ(row.shape(), (engine::Shape{1, 20}));
  ASSERT_EQ(elements.shape(), (engine::Shape{3}));
  EXPECT_EQ(value(columns, 2 * 7 + 1), value(parameter(qkv).value(), 12 * 7 + 5));
  EXPECT_EQ(value(row, 4), value(parameter("blocks.1.mlp.fc2.weight").value(), 3 * 20 + 4));
  EXPECT_EQ(value(elements, 2), value(parameter("patch_embed.proj.weight").value(), 575));
}

TEST_F(Delta, freezes_what_it_does_not_name) {
  peft::apply_delta(model, file({{qkv + ".rows", indices({2})}, {qkv + ".values", Tensor::zeros({1, 12})}}));
  for (const auto& [name, parameter] : engine::parameters(model))
    EXPECT_EQ(parameter.trains(), name == qkv ? Selection::rows({2}) : Selection::none()) << name;
}

TEST_F(Delta, may_choose_nothing_of_a_parameter) {
  const engine::NamedTensors before = small::copy(model);
  peft::apply_delta(model, file({{qkv + ".rows", indices({})}, {qkv + ".values", Tensor::zeros({0, 12})}}));
  EXPECT_TRUE(small::same_bits(engine::state(model), before));
}

TEST_F(Delta, is_refused_when_the_model_has_no_such_parameter) {
  EXPECT_EQ(refused({good, {"blocks.0.attn.qvk.weight", Tensor::zeros({36, 12})}}).substr(0, 84),
            ": the model has no parameter blocks.0.attn.qvk.weight; did you mean blocks.0.attn.qk");
  EXPECT_EQ(refused({good, {"blocks.9.norm1.bias.rows", indices({0})}}).substr(0, 49),
            ": the model has no parameter blocks.9.norm1.bias;");
}

TEST_F(Delta, is_refused_by_the_beginning_of_a_name_without_end) {
  EXPECT_EQ(refused({good, {std::string(100'000, 'x'), Tensor::zeros({1})}}),
            ": the model has no parameter " + std::string(80, 'x') + "...");
}

TEST_F(Delta, is_refused_when_a_value_is_not_finite) {
  EXPECT_EQ(refused({good, {"norm.bias", Tensor::full({12}, std::numeric_limits<double>::infinity())}}),
            ": norm.bias has 12 of 12 values that are NaN or infinite as f32, the first at index 0");
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(refused({good,
                     {qkv + ".columns", indices({3})},
                     {qkv + ".values", Tensor::of<float>({36, 1},
                                                         [&] {
                                                           std::vector<float> values(36);
                                                           values[7] = values[9] = nan;
                                                           return values;
                                                         }())}}),
            ": " + qkv + ".values has 2 of 36 values that are NaN or infinite as f32, the first at index 7");
}

TEST_F(Delta, is_refused_when_an_index_lies_outside) {
  EXPECT_EQ(refused({good, {qkv + ".rows", indices({3, 36})}, {qkv + ".values", Tensor::zeros({2, 12})}}),
            ": " + qkv + ": index 36 of rows lies outside [36, 12]");
  EXPECT_EQ(refused({good, {qkv + ".columns", indices({12})}, {qkv + ".values", Tensor::zeros({36, 1})}}),
            ": " + qkv + ": index 12 of columns lies outside [36, 12]");
  EXPECT_EQ(refused({good, {qkv + ".elements", indices({432})}, {qkv + ".values", Tensor::zeros({1})}}),
            ": " + qkv + ": index 432 of elements lies outside [36, 12]");
}

TEST_F(Delta, is_refused_when_indices_do_not_ascend) {
  for (const auto& at : std::vector<std::vector<std::int64_t>>{{5, 3}, {4, 4}, {-1, 3}}) {
    const std::string message =
        refused({good, {qkv + ".rows", indices(at)}, {qkv + ".values", Tensor::zeros({2, 12})}});
    EXPECT_TRUE(message.starts_with(": " + qkv + ".rows: selection: indices must ascend from 0")) << message;
  }
}

TEST_F(Delta, is_refused_when_the_indices_are_no_list_of_whole_numbers) {
  const std::string expected = ": " + qkv + ".rows should be a list of I64 indices";
  EXPECT_EQ(refused({good, {qkv + ".rows", Tensor::zeros({2})}}), expected);
  EXPECT_EQ(refused({good, {qkv + ".rows", Tensor::of<std::int64_t>({1, 2}, {3, 4})}}), expected);
}

TEST_F(Delta, is_refused_when_a_shape_does_not_fit) {
  EXPECT_EQ(refused({good, {qkv + ".rows", indices({1, 2})}, {qkv + ".values", Tensor::zeros({3, 12})}}),
            ": " + qkv + " holds [3, 12] where the model needs [2, 12]");
  EXPECT_EQ(refused({good, {qkv + ".columns", indices({1, 2})}, {qkv + ".values", Tensor::zeros({2, 36})}}),
            ": " + qkv + " holds [2, 36] where the model needs [36, 2]");
  EXPECT_EQ(refused({good, {"head.weight", Tensor::zeros({4, 12})}}),
            ": head.weight holds [4, 12] where the model needs [5, 12]");
}

TEST_F(Delta, is_refused_when_the_values_are_missing_or_no_floats) {
  const std::string message = refused({good, {qkv + ".rows", indices({1})}});
  EXPECT_NE(message.find(qkv + ".values"), std::string::npos) << message;
  EXPECT_THROW(peft::apply_delta(model, file({good,
                                              {qkv + ".rows", indices({1})},
                                              {qkv + ".values", Tensor::of<std::int64_t>({1, 1}, {2})}})),
               engine::Error);
}

TEST_F(Delta, is_refused_when_a_parameter_comes_twice) {
  EXPECT_EQ(refused({{qkv + ".rows", indices({1})},
                     {qkv + ".columns", indices({1})},
                     {qkv + ".values", Tensor::zeros({1, 12})}}),
            ": " + qkv + " has two kinds of parts");
  EXPECT_EQ(refused({{qkv, Tensor::zeros({36, 12})},
                     {qkv + ".rows", indices({1})},
                     {qkv + ".values", Tensor::zeros({1, 12})}}),
            ": " + qkv + " is there whole and in part");
}

TEST_F(Delta, is_refused_when_values_stand_without_indices) {
  EXPECT_TRUE(refused({good, {qkv + ".values", Tensor::zeros({2, 12})}})
                  .starts_with(": the model has no parameter " + qkv + ".values; did you mean " + qkv));
}

TEST_F(Delta, of_a_selection_file_gives_back_what_was_chosen_and_its_scores) {
  for (const char* name : {"grft", "gps", "sift"}) {
    const auto method = small::method(name);
    method->prepare(model, small::losses(model, *method));
    const Safetensors selection = file(peft::selection_tensors(method->choices()));
    const std::map<std::string, Selection> parts = peft::read_parts(selection);
    ASSERT_EQ(parts.size(), method->choices().size());
    for (const peft::Choice& choice : method->choices()) {
      EXPECT_EQ(parts.at(choice.parameter), choice.selection) << choice.parameter;
      const Tensor scores = selection.read(choice.parameter + ".score");
      ASSERT_EQ(scores.shape(), (engine::Shape{static_cast<Index>(choice.selection.indices().size())}));
      EXPECT_TRUE(std::ranges::equal(scores.data<float>(), choice.scores)) << choice.parameter;
    }
  }
}

TEST(PartTensors, hold_indices_of_a_part_and_nothing_of_a_whole_parameter) {
  const engine::NamedTensors tensors =
      peft::part_tensors({{"a", engine::Selection::all()}, {"b", engine::Selection::rows({1, 4})}});
  ASSERT_EQ(tensors.size(), 2u);
  EXPECT_EQ(tensors[0].first, "a");
  EXPECT_EQ(tensors[0].second.numel(), 0);
  EXPECT_EQ(tensors[1].first, "b.rows");
  EXPECT_EQ(tensors[1].second.numel(), 2);
}

}  // namespace
