#include "engine/ops/activation.h"

#include "tests/engine/ops/cases.h"

namespace engine::cases {

std::vector<OpCase> activation_cases() {
  const auto run = [](std::span<const Tensor> in) { return gelu(in[0]); };
  return {
      {.op = "gelu", .name = "one_number", .shapes = {{1}}, .run = run},
      {.op = "gelu", .name = "prime", .shapes = {{3, 37}}, .run = run, .spread = 2},
      {.op = "gelu", .name = "vector_plus_one", .shapes = {{17}}, .run = run, .spread = 4},
      {.op = "gelu", .name = "several_chunks", .shapes = {{5, 3301}}, .run = run, .large = true},
  };
}

}  // namespace engine::cases
