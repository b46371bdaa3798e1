#include "engine/ops/arithmetic.h"

#include "tests/engine/ops/cases.h"

namespace engine::cases {
namespace {

Tensor add_all(std::span<const Tensor> in) {
  return add(in[0], in[1]);
}
Tensor multiply_all(std::span<const Tensor> in) {
  return multiply(in[0], in[1]);
}
Tensor scale_by_minus_three(std::span<const Tensor> in) {
  return scale(in[0], -3);
}
/// One sample dropped, as drop path does.
Tensor scale_samples_with_a_drop(std::span<const Tensor> in) {
  Tensor factors = Tensor::full({in[0].shape()[0]}, 1.25, in[0].dtype());
  visit(factors.dtype(), [&]<class T>() { factors.data<T>()[0] = 0; });
  return scale_samples(in[0], factors);
}
Tensor affine_all(std::span<const Tensor> in) {
  return affine(in[0], in[1], in.size() > 2 ? in[2] : Tensor());
}

}  // namespace

std::vector<OpCase> arithmetic_cases() {
  const Shape large{5, 3, 1201};
  return {
      {.op = "add", .name = "one_number", .shapes = {{1}, {1}}, .run = add_all},
      {.op = "add", .name = "three_axes", .shapes = {{3, 5, 7}, {3, 5, 7}}, .run = add_all},
      {.op = "add", .name = "several_chunks", .shapes = {large, large}, .run = add_all, .large = true},
      {.op = "multiply", .name = "one_number", .shapes = {{1}, {1}}, .run = multiply_all},
      {.op = "multiply", .name = "three_axes", .shapes = {{3, 5, 7}, {3, 5, 7}}, .run = multiply_all},
      {.op = "multiply",
       .name = "several_chunks",
       .shapes = {large, large},
       .run = multiply_all,
       .large = true},
      {.op = "scale", .name = "one_number", .shapes = {{1}}, .run = scale_by_minus_three},
      {.op = "scale", .name = "matrix", .shapes = {{11, 13}}, .run = scale_by_minus_three},
      {.op = "scale",
       .name = "several_chunks",
       .shapes = {large},
       .run = scale_by_minus_three,
       .large = true},
      {.op = "scale_samples", .name = "two_numbers", .shapes = {{2}}, .run = scale_samples_with_a_drop},
      {.op = "scale_samples", .name = "three_axes", .shapes = {{5, 3, 7}}, .run = scale_samples_with_a_drop},
      {.op = "scale_samples",
       .name = "several_chunks",
       .shapes = {large},
       .run = scale_samples_with_a_drop,
       .large = true},
      {.op = "affine", .name = "one_number", .shapes = {{1}, {1}, {1}}, .run = affine_all},
      {.op = "affine", .name = "three_axes", .shapes = {{5, 3, 7}, {7}, {7}}, .run = affine_all},
      {.op = "affine", .name = "without_a_shift", .shapes = {{5, 7}, {7}}, .run = affine_all},
      {.op = "affine",
       .name = "several_chunks",
       .shapes = {large, {1201}, {1201}},
       .run = affine_all,
       .large = true},
  };
}

}  // namespace engine::cases
