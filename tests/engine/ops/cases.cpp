#include "tests/engine/ops/cases.h"

#include <iterator>

namespace engine::cases {

std::vector<OpCase> all_cases() {
  std::vector<OpCase> all;
  for (auto* list : {activation_cases, arithmetic_cases, attention_cases, linear_cases, loss_cases,
                     normalize_cases, rearrange_cases, reduce_cases, rotary_cases}) {
    std::vector<OpCase> cases = list();
    std::move(cases.begin(), cases.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace engine::cases
