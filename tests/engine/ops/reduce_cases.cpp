#include "engine/ops/reduce.h"

#include "tests/engine/ops/cases.h"

namespace engine::cases {

std::vector<OpCase> reduce_cases() {
  const auto run = [](std::span<const Tensor> in) { return sum(in[0]); };
  return {
      {.op = "sum", .name = "one_number", .shapes = {{1}}, .run = run},
      {.op = "sum", .name = "three_axes", .shapes = {{3, 5, 7}}, .run = run},
      {.op = "sum", .name = "several_chunks", .shapes = {{5, 3301}}, .run = run, .large = true},
  };
}

}  // namespace engine::cases
