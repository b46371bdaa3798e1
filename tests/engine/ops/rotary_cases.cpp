#include "engine/ops/rotary.h"

#include "tests/engine/ops/cases.h"

namespace engine::cases {
namespace {

/// By turns of 1 x `patches` patches whose frequencies are the second input.
OpCase rotation(std::string name, Shape x, Index columns, Shape freqs, Index patches, RotaryPairs pairs,
                bool large = false, const KeptPatches& kept = {}) {
  return {.op = "rotate",
          .name = std::move(name),
          .shapes = {std::move(x), std::move(freqs)},
          .run =
              [columns, pairs, patches, kept](std::span<const Tensor> in) {
                return rotate(in[0], columns, mixed_turns(in[1], 0, 1, patches), pairs, kept);
              },
          .large = large};
}

}  // namespace

std::vector<OpCase> rotary_cases() {
  using enum RotaryPairs;
  const auto turns = [](std::span<const Tensor> in) { return mixed_turns(in[0], 1, 2, 3); };
  return {
      rotation("halves", {2, 5, 12}, 8, {2, 1, 1, 2}, 4, halves),
      rotation("neighbours", {2, 5, 12}, 8, {2, 1, 1, 2}, 5, neighbours),
      rotation("a_table_for_each_head", {1, 7, 24}, 16, {2, 1, 2, 2}, 4, neighbours),
      rotation("all_columns", {2, 4, 8}, 8, {2, 1, 2, 2}, 3, halves),
      rotation("many_images", {67, 12, 48}, 32, {2, 1, 4, 2}, 11, halves, true),
      rotation("of_kept_patches", {3, 4, 12}, 8, {2, 1, 2, 2}, 5, neighbours, false, some_patches(3, 5, 3)),
      rotation("kept_of_many_images", {67, 7, 48}, 32, {2, 1, 4, 2}, 11, halves, true,
               some_patches(67, 11, 6)),
      {.op = "mixed_turns", .name = "second_block", .shapes = {{2, 3, 2, 4}}, .run = turns}};
}

}  // namespace engine::cases
