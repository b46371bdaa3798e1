#include "engine/ops/normalize.h"

#include "tests/engine/ops/cases.h"

namespace engine::cases {
namespace {

Tensor run_layer_norm(std::span<const Tensor> in) {
  return layer_norm(in[0], in[1], in[2], 0.01);
}
Tensor run_rms_norm(std::span<const Tensor> in) {
  return rms_norm(in[0], in[1], 0.01);
}
Tensor run_normalize_rows(std::span<const Tensor> in) {
  return normalize_rows(in[0]);
}

OpCase norm(std::string name, Shape x, bool large = false) {
  const Index width = x[-1];
  return {.op = "layer_norm",
          .name = std::move(name),
          .shapes = {std::move(x), {width}, {width}},
          .run = run_layer_norm,
          .large = large};
}

}  // namespace

std::vector<OpCase> normalize_cases() {
  return {
      norm("three_numbers", {1, 3}),
      norm("one_axis", {5}),
      norm("prime", {3, 7}),
      norm("vector_plus_one", {2, 2, 17}),
      norm("vector_minus_one", {5, 31}),
      norm("more_rows_than_a_block", {67, 3}),
      norm("wide", {67, 259}, true),
      {.op = "rms_norm", .name = "three_numbers", .shapes = {{1, 3}, {3}}, .run = run_rms_norm},
      {.op = "rms_norm", .name = "vector_plus_one", .shapes = {{2, 2, 17}, {17}}, .run = run_rms_norm},
      {.op = "rms_norm", .name = "wide", .shapes = {{67, 259}, {259}}, .run = run_rms_norm, .large = true},
      {.op = "normalize_rows", .name = "two_numbers", .shapes = {{1, 2}}, .run = run_normalize_rows},
      {.op = "normalize_rows", .name = "prime", .shapes = {{5, 19}}, .run = run_normalize_rows},
      {.op = "normalize_rows",
       .name = "many_rows",
       .shapes = {{131, 65}},
       .run = run_normalize_rows,
       .large = true},
  };
}

}  // namespace engine::cases
