#include "engine/nn/state.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/engine/nn/toy_modules.h"
#include "tests/support/compare.h"

namespace engine {
namespace {

/// A state in buffers of its own.
NamedTensors copy_of(const NamedTensors& state) {
  NamedTensors copy;
  for (const auto& [name, tensor] : state) copy.emplace_back(name, tensor.clone());
  return copy;
}

Toy filled() {
  Toy toy;
  randomize(toy);
  return toy;
}

void expect_state(Module& root, const NamedTensors& expected) {
  const NamedTensors actual = state(root);
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    EXPECT_EQ(actual[i].first, expected[i].first);
    EXPECT_TRUE(support::same_bits(actual[i].second, expected[i].second)) << actual[i].first;
  }
}

TEST(NamedTensors, holds_every_value_by_name_in_order) {
  Toy toy = filled();
  const NamedTensors all = state(toy);
  ASSERT_EQ(all.size(), 8u);
  EXPECT_EQ(all[0].first, "token");
  EXPECT_EQ(all[7].first, "head.weight");
  EXPECT_EQ(all[7].second.raw(), toy.head.weight.value().raw());
}

TEST(LoadState, copies_every_value) {
  Toy from = filled(), to;
  const NamedTensors saved = copy_of(state(from));
  load_state(to, saved, "toy.safetensors");
  expect_state(to, saved);
  to.head.weight.value().data<float>()[0] += 1;
  EXPECT_FALSE(support::same_bits(to.head.weight.value(), saved[7].second)) << "the buffers are not shared";
}

TEST(LoadState, takes_over_tensors_that_nothing_else_holds) {
  Toy from = filled(), to;
  NamedTensors given = copy_of(state(from));
  const std::byte* const values = given[7].second.raw();
  const Tensor held = given[0].second;
  load_state(to, std::move(given), "toy.safetensors");
  expect_state(to, state(from));
  EXPECT_EQ(to.head.weight.value().raw(), values) << "moved";
  EXPECT_NE(to.token.value().raw(), held.raw()) << "copied: a tensor in use must not become a parameter";
}

TEST(LoadState, does_not_care_about_the_order) {
  Toy from = filled(), to;
  NamedTensors saved = copy_of(state(from));
  const NamedTensors in_order = saved;
  std::reverse(saved.begin(), saved.end());
  load_state(to, saved, "toy");
  expect_state(to, in_order);
}

TEST(LoadState, converts_to_the_dtype_of_the_parameter) {
  Toy from = filled(), to;
  convert(to, Dtype::f64);
  load_state(to, state(from), "toy");
  EXPECT_TRUE(support::same_bits(to.head.weight.value(), from.head.weight.value().to(Dtype::f64)));
}

TEST(LoadState, keeps_what_trains) {
  Toy from = filled(), to;
  to.head.weight.train(Selection::rows({1}));
  load_state(to, state(from), "toy");
  EXPECT_EQ(to.head.weight.trains(), Selection::rows({1}));
}

/// Loads `wrong` into a module and returns the error; nothing may have changed.
std::string complaint(const NamedTensors& wrong) {
  Toy toy = filled();
  const NamedTensors before = copy_of(state(toy));
  const std::string message = support::error_of([&] { load_state(toy, wrong, "toy.safetensors"); });
  expect_state(toy, before);
  return message;
}

TEST(LoadState, reports_every_mismatch_in_one_error_and_changes_nothing) {
  Toy from = filled();
  NamedTensors wrong;
  for (const auto& [name, tensor] : state(from)) {
    Tensor other = Tensor::full(tensor.shape(), 5);
    if (name == "token") other = Tensor::zeros({1, 3});
    if (name == "head.weight") other = Tensor::zeros({10, 3});
    if (!name.starts_with("norm")) wrong.emplace_back(name, other);
  }
  wrong.emplace_back("fc.weight", Tensor::zeros({1}));
  EXPECT_EQ(complaint(wrong),
            "toy.safetensors: 2 names missing (norm.weight, norm.bias), 1 name unexpected (fc.weight), "
            "2 names of the wrong shape (token [1, 3] instead of [1, 1, 3], head.weight [10, 3] instead of "
            "[2, 3])");
}

TEST(LoadState, refuses_whole_numbers_and_changes_nothing) {
  Toy from = filled();
  NamedTensors wrong = copy_of(state(from));
  for (auto& [name, tensor] : wrong) tensor = Tensor::full(tensor.shape(), 5);
  wrong.back().second = Tensor::zeros({2, 3}, Dtype::i64);
  EXPECT_EQ(complaint(wrong), "toy.safetensors: 1 name of the wrong type (head.weight i64)");
}

TEST(LoadState, cuts_a_long_list_short) {
  NamedTensors wrong;
  for (int i = 0; i < 20; ++i) wrong.emplace_back("x" + std::to_string(10 + i), Tensor::zeros({1}));
  const std::string message = complaint(wrong);
  EXPECT_NE(message.find("20 names unexpected (x10, "), std::string::npos) << message;
  EXPECT_NE(message.find("x21, ...)"), std::string::npos) << message;
  EXPECT_EQ(message.find("x22"), std::string::npos) << message;
}

TEST(CheckFinite, tells_how_many_numbers_are_not_and_the_first) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto said = [](const Tensor& tensor, Dtype dtype) {
    return support::error_of([&] { check_finite(tensor, dtype, "x: 'w'"); });
  };
  const Tensor fine = Tensor::of<float>({3}, {0, -1e38f, 1e-45f});
  EXPECT_EQ(said(fine, Dtype::f32), "nothing was thrown");
  EXPECT_EQ(said(Tensor::zeros({0}), Dtype::f32), "nothing was thrown");
  const Tensor wrong = Tensor::of<double>({2, 2}, {0, 1e300, -kInfinity, std::nan("")});
  EXPECT_EQ(said(wrong, Dtype::f32),
            "x: 'w' has 3 of 4 values that are NaN or infinite as f32, the first at index 1");
  EXPECT_EQ(said(wrong, Dtype::f64),
            "x: 'w' has 2 of 4 values that are NaN or infinite as f64, the first at index 2");
  Tensor half = Tensor::zeros({2}, Dtype::f16);
  half.raw()[3] = std::byte{0x7c};  // infinity is 0x7c00
  EXPECT_EQ(said(half, Dtype::f32),
            "x: 'w' has 1 of 2 values that are NaN or infinite as f32, the first at index 1");
}

}  // namespace
}  // namespace engine
