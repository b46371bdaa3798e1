#include "tools/training/patch_drop.h"

#include <algorithm>

#include "engine/tensor/random.h"

namespace training {

using engine::Random;

Index PatchDrop::kept_count(Index patches) const {
  return std::max(Index{1}, static_cast<Index>(static_cast<double>(patches) * (1 - rate)));
}

engine::KeptPatches PatchDrop::kept(const std::vector<Index>& samples, Index epoch, Index patches,
                                    Index views) const {
  if (rate == 0) return {};
  constexpr int kViewShift = 48;  // a stream's name: view above, position in the data set below
  const Index count = kept_count(patches);
  std::vector<Index> places;
  for (Index view = 0; view < views; ++view) {
    for (const Index sample : samples) {
      const auto image = static_cast<std::uint64_t>(sample) | static_cast<std::uint64_t>(view) << kViewShift;
      Random random(seed, Random::Use::patch_drop, static_cast<std::uint64_t>(epoch), image);
      std::vector<Index> drawn = random.permutation(patches);
      drawn.resize(static_cast<std::size_t>(count));
      std::ranges::sort(drawn);
      places.insert(places.end(), drawn.begin(), drawn.end());
    }
  }
  return {patches, count, std::move(places)};
}

}  // namespace training
