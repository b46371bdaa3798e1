#include "tests/engine/ops/cases.h"

#include <algorithm>
#include <iterator>

#include "engine/tensor/random.h"

namespace engine::cases {

KeptPatches some_patches(Index images, Index patches, Index count) {
  std::vector<Index> places;
  for (Index i = 0; i < images; ++i) {
    std::vector<Index> drawn =
        Random(1, Random::Use::test, static_cast<std::uint64_t>(i)).permutation(patches);
    std::sort(drawn.begin(), drawn.begin() + count);
    places.insert(places.end(), drawn.begin(), drawn.begin() + count);
  }
  return {patches, count, std::move(places)};
}

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
