#include "peft/methods.h"

#include <gtest/gtest.h>

#include "peft/account.h"
#include "tests/peft/small.h"

namespace {

using engine::Index;
using engine::Selection;
using models::Vit;

/// A method that selects, asked for all there is.
class Everything
    : public ::testing::TestWithParam<std::pair<const char*, std::map<std::string, std::string>>> {};

TEST_P(Everything, chosen_equals_full_training_of_the_same_matrices_bit_for_bit) {
  const auto& [name, options] = GetParam();
  Vit chosen = small::model(small::deep()), full = small::model(small::deep());
  const auto method = small::method(name, options);
  method->prepare(chosen, small::losses(chosen, *method));
  const auto linear = small::method("linear");
  linear->prepare(full, nullptr);
  Index matrices = 0;
  for (const auto& [parameter_name, parameter] : engine::parameters(full)) {
    const bool matrix = parameter.value().shape().rank() > 1 && parameter_name.ends_with(".weight");
    if (matrix) parameter.train(Selection::all()), ++matrices;
  }
  EXPECT_EQ(matrices, 14);  // the head's too
  EXPECT_EQ(peft::account(chosen).trainable, peft::account(full).trainable);

  const auto a = engine::make_adam(engine::parameters(chosen), {}),
             b = engine::make_adam(engine::parameters(full), {});
  for (int i = 0; i < 3; ++i) {
    small::step(chosen, *method, *a, i);
    small::step(full, *linear, *b, i);
  }
  EXPECT_TRUE(small::same_bits(engine::state(chosen), engine::state(full)));
}

// The largest matrix of small::deep() is the patch embedding's, [12, 48].
INSTANTIATE_TEST_SUITE_P(
    , Everything,
    ::testing::Values(
        std::pair{"grft", std::map<std::string, std::string>{{"k", "36"}, {"axis", "row"}, {"anchor", "0"}}},
        std::pair{"grft",
                  std::map<std::string, std::string>{{"k", "48"}, {"axis", "column"}, {"anchor", "0"}}},
        std::pair{"gps", std::map<std::string, std::string>{{"k", "48"}, {"train-bias", "off"}}},
        std::pair{"sift", std::map<std::string, std::string>{{"rate", "1"}}}));

TEST(Scoring, that_a_head_of_zeros_hides_the_images_from_is_refused) {
  for (const char* name : {"grft", "gps", "sift"}) {
    Vit model = small::model(small::deep());
    model.replace_head(small::deep().classes);
    const auto method = small::method(name, {{"score", "ce"}});
    EXPECT_TRUE(support::error_of([&] {
                  method->prepare(model, small::losses(model, *method));
                }).ends_with("use --init-head trunc-normal or --score supcon"))
        << name;
    const auto contrast = small::method(name, {{"score", "supcon"}});
    contrast->prepare(model, small::losses(model, *contrast));
    EXPECT_GT(contrast->choices()[0].scores[0], 0) << name;
  }
}

TEST(grft, takes_the_same_rows_whatever_the_anchor) {
  Vit a = small::model(small::deep()), b = small::model(small::deep());
  const auto free = small::method("grft", {{"anchor", "0"}}), held = small::method("grft", {{"anchor", "9"}});
  free->prepare(a, small::losses(a, *free));
  held->prepare(b, small::losses(b, *held));
  ASSERT_EQ(free->choices().size(), held->choices().size());
  for (std::size_t i = 0; i < free->choices().size(); ++i)
    EXPECT_EQ(free->choices()[i].selection, held->choices()[i].selection);
}

TEST(grft, takes_the_axis_with_fewer_units_and_rows_of_a_square) {
  Vit model = small::model(small::deep());
  const auto method = small::method("grft");
  method->prepare(model, small::losses(model, *method));
  const std::map<std::string, std::string> kinds{
      {"patch_embed.proj.weight", "rows"},      // [12, 48]
      {"blocks.0.attn.qkv.weight", "columns"},  // [36, 12]
      {"blocks.0.attn.proj.weight", "rows"},    // [12, 12]
      {"blocks.0.mlp.fc1.weight", "columns"},   // [20, 12]
      {"blocks.0.mlp.fc2.weight", "rows"},      // [12, 20]
  };
  std::size_t seen = 0;
  for (const peft::Choice& choice : method->choices()) {
    EXPECT_EQ(choice.selection.indices().size(), 2u) << choice.parameter;
    const auto kind = kinds.find(choice.parameter);
    if (kind == kinds.end()) continue;
    EXPECT_EQ(choice.selection.kind_name(), kind->second) << choice.parameter;
    ++seen;
  }
  EXPECT_EQ(seen, kinds.size());
}

TEST(gps, takes_exactly_k_inputs_of_every_neuron) {
  for (const Index k : {1, 3}) {
    Vit model = small::model(small::deep());
    const auto method = small::method("gps", {{"k", std::to_string(k)}});
    method->prepare(model, small::losses(model, *method));
    for (const peft::Choice& choice : method->choices()) {
      std::map<std::string, engine::Shape> shapes;
      for (const auto& p : engine::parameters(model)) shapes[p.name] = p.parameter.value().shape();
      const engine::Shape& shape = shapes[choice.parameter];
      std::vector<Index> of_row(static_cast<std::size_t>(shape.rows()));
      for (Index i : choice.selection.indices()) ++of_row[static_cast<std::size_t>(i / shape.columns())];
      EXPECT_TRUE(std::ranges::all_of(of_row, [&](Index n) { return n == k; })) << choice.parameter;
    }
  }
}

TEST(sift, takes_its_share_of_every_tensor_and_one_more) {
  Vit model = small::model(small::deep());
  const auto method = small::method("sift", {{"rate", "0.25"}});
  method->prepare(model, small::losses(model, *method));
  for (const auto& [name, parameter] : engine::parameters(model)) {
    if (std::holds_alternative<Selection::Elements>(parameter.trains().kind())) {
      EXPECT_EQ(parameter.trained_count(), parameter.value().numel() / 4 + 1) << name;
    }
  }
}

TEST(sift, moves_its_values_in_the_first_step_already) {
  // The official code moves them one step late.
  Vit model = small::model(small::deep());
  const auto method = small::method("sift");
  method->prepare(model, small::losses(model, *method));
  const engine::NamedTensors before = small::copy(model);
  const auto adam = engine::make_adam(engine::parameters(model), {});
  small::step(model, *method, *adam, 0);
  small::expect_only_these_values_moved(model, before, method->moved(model), "after one step");
}

TEST(bitfit, trains_every_bias_and_the_head) {
  Vit model = small::model(small::deep());
  small::method("bitfit")->prepare(model, nullptr);
  for (const auto& [name, parameter] : engine::parameters(model))
    EXPECT_EQ(parameter.trains().whole(), name.ends_with(".bias") || name.starts_with("head.")) << name;
}

TEST(every_selecting_method, trains_biases_but_the_norms_when_asked) {
  for (const char* name : {"grft", "gps", "sift"}) {
    for (const bool on : {true, false}) {
      Vit model = small::model(small::deep());
      small::method(name, {{"train-bias", on ? "on" : "off"}})->prepare(model, nullptr);
      for (const auto& [parameter_name, parameter] : engine::parameters(model)) {
        if (!parameter_name.ends_with(".bias") || parameter_name.starts_with("head.")) continue;
        const bool norm = parameter_name.find("norm") != std::string::npos;
        EXPECT_EQ(parameter.trains().any(), on && !norm) << name << ": " << parameter_name;
      }
    }
  }
}

}  // namespace
