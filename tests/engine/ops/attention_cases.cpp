#include "engine/ops/attention.h"

#include "engine/base/check.h"
#include "tests/engine/ops/cases.h"

namespace engine::cases {
namespace {

OpCase with(Index batch, Index tokens, Index heads, Index width, bool large = false) {
  std::string name = "batch" + std::to_string(batch) + "_tokens" + std::to_string(tokens) + "_heads" +
                     std::to_string(heads) + "_width" + std::to_string(width);
  return {.op = "attention",
          .name = std::move(name),
          .shapes = {{batch, tokens, 3 * heads * width}},
          .run = [heads](std::span<const Tensor> in) { return attention(in[0], heads); },
          .large = large};
}

}  // namespace

std::vector<OpCase> attention_cases() {
  return {with(1, 1, 1, 1),
          with(1, 2, 1, 3),
          with(2, 5, 3, 2),
          with(1, 17, 1, 4),
          with(1, 13, 2, 5),
          with(2, 7, 1, 9),
          with(2, 67, 3, 8, true),
          with(1, 197, 2, 16, true),
          {.op = "attention",
           .name = "of_three_tensors",
           .shapes = {{2, 7, 10}, {2, 7, 10}, {2, 7, 10}},
           .run = [](std::span<const Tensor> in) { return attention(in[0], in[1], in[2], 2); }},
          {.op = "attention",
           .name = "first_query_of_three_tensors",
           .shapes = {{2, 7, 10}, {2, 7, 10}, {2, 7, 10}},
           .run = [](std::span<const Tensor> in) { return attention(in[0], in[1], in[2], 2, 1); }},
          {.op = "attention",
           .name = "of_other_tokens",
           .shapes = {{2, 3, 8}, {2, 11, 16}},
           .run = [](std::span<const Tensor> in) { return cross_attention(in[0], in[1], 2); }},
          {.op = "attention",
           .name = "relative_positions",
           .shapes = {{2, 7, 12}, {3 * 5 + 3, 2}},
           .run =
               [](std::span<const Tensor> in) {
                 return attention(in[0], 2, 0, {in[1], 2, 3});
               }},
          {.op = "attention",
           .name = "relative_positions_and_prompts",
           .shapes = {{1, 9, 12}, {3 * 5 + 3, 2}},
           .run =
               [](std::span<const Tensor> in) {
                 return attention(in[0], 2, 1, {in[1], 2, 3});
               }},
          {.op = "attention",
           .name = "relative_positions_of_kept_patches",
           .shapes = {{2, 5, 12}, {3 * 5 + 3, 2}},
           .run =
               [](std::span<const Tensor> in) {
                 return attention(in[0], 2, 0, {in[1], 2, 3, some_patches(2, 6, 4)});
               }},
          {.op = "attention",
           .name = "many_relative_positions",
           .shapes = {{3, 50, 27}, {13 * 13 + 3, 3}},
           .run =
               [](std::span<const Tensor> in) {
                 return attention(in[0], 3, 0, {in[1], 7, 7});
               },
           .large = true},
          {.op = "attention",
           .name = "first_two_queries",
           .shapes = {{2, 11, 24}},
           .run = [](std::span<const Tensor> in) { return attention(in[0], 2, 2); }}};
}

}  // namespace engine::cases
