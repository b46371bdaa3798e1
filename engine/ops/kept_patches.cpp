#include "engine/ops/kept_patches.h"

#include "engine/base/check.h"

namespace engine {

KeptPatches::KeptPatches(Index patches, Index count, std::vector<Index> places)
    : patches_(patches), count_(count) {
  check(0 < count && count <= patches && static_cast<Index>(places.size()) % count == 0,
        "kept patches:", places.size(), "places are not", count, "of", patches, "for every image");
  for (std::size_t i = 0; i < places.size(); ++i) {
    const bool first = static_cast<Index>(i) % count == 0;
    check(places[i] >= 0 && places[i] < patches && (first || places[i] > places[i - 1]),
          "kept patches: the places of an image ascend below", patches, "and do not have", places[i],
          "there");
  }
  places_ = std::make_shared<const std::vector<Index>>(std::move(places));
}

std::vector<Index> KeptPatches::by_place() const {
  std::vector<Index> at(static_cast<std::size_t>(images() * patches_), -1);
  for (Index i = 0; i < images(); ++i)
    for (Index t = 0; t < count_; ++t)
      at[static_cast<std::size_t>(i * patches_ + data()[i * count_ + t])] = t;
  return at;
}

void KeptPatches::check_images(std::string_view who, Index images) const {
  check(all() || this->images() == images, who, "patches kept of", this->images(), "images, but there are",
        images);
}

}  // namespace engine
