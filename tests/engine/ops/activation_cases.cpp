#include "engine/ops/activation.h"

#include "tests/engine/ops/cases.h"

namespace engine::cases {
namespace {

OpCase activation(std::string name, Activation kind, Shape x, double spread, bool large = false) {
  return {.op = "activate",
          .name = std::move(name),
          .shapes = {std::move(x)},
          .run = [kind](std::span<const Tensor> in) { return activate(in[0], kind); },
          .spread = spread,
          .large = large};
}

}  // namespace

std::vector<OpCase> activation_cases() {
  const auto packed = [](std::span<const Tensor> in) { return swiglu(in[0]); };
  const auto split = [](std::span<const Tensor> in) { return swiglu(in[0], in[1]); };
  return {
      activation("one_number", Activation::gelu, {1}, 1),
      activation("prime", Activation::gelu, {3, 37}, 2),
      activation("vector_plus_one", Activation::gelu, {17}, 4),
      activation("several_chunks", Activation::gelu, {5, 3301}, 1, true),
      activation("gelu_tanh", Activation::gelu_tanh, {3, 37}, 2),
      activation("quick_gelu", Activation::quick_gelu, {17}, 4),
      activation("silu", Activation::silu, {3, 37}, 4),
      activation("silu_in_several_chunks", Activation::silu, {5, 3301}, 1, true),
      {.op = "swiglu", .name = "two_numbers", .shapes = {{1, 2}}, .run = packed},
      {.op = "swiglu", .name = "vector_plus_one", .shapes = {{2, 3, 34}}, .run = packed, .spread = 2},
      {.op = "swiglu", .name = "many_rows", .shapes = {{131, 66}}, .run = packed, .large = true},
      {.op = "swiglu_split", .name = "prime", .shapes = {{5, 19}, {5, 19}}, .run = split, .spread = 2},
      {.op = "swiglu_split",
       .name = "many_rows",
       .shapes = {{131, 33}, {131, 33}},
       .run = split,
       .large = true},
  };
}

}  // namespace engine::cases
