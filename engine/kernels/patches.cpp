#include "engine/kernels/patches.h"

#include <algorithm>

#include "engine/kernels/parallel.h"

namespace engine::kernels {
namespace {

/// Calls `copy(image offset, patch offset)` for every run of `patch` values that stand together in both.
template <class F>
void each_run(const PatchShape& s, F copy) {
  parallel_for(s.batch * s.down(), [&](Index i) {
    const Index image = i / s.down(), top = i % s.down();
    Index patch_at = i * s.across() * s.channels * s.patch * s.patch;
    for (Index left = 0; left < s.across(); ++left) {
      for (Index c = 0; c < s.channels; ++c) {
        for (Index y = 0; y < s.patch; ++y) {
          const Index line = (image * s.channels + c) * s.height + top * s.patch + y;
          copy(line * s.width + left * s.patch, patch_at);
          patch_at += s.patch;
        }
      }
    }
  });
}

}  // namespace

template <class T>
void to_patches(const PatchShape& s, const T* images, T* patches) {
  each_run(s, [&](Index from, Index to) { std::copy_n(images + from, s.patch, patches + to); });
}

template <class T>
void from_patches(const PatchShape& s, const T* patches, T* images) {
  each_run(s, [&](Index to, Index from) { std::copy_n(patches + from, s.patch, images + to); });
}

template void to_patches(const PatchShape&, const float*, float*);
template void to_patches(const PatchShape&, const double*, double*);
template void from_patches(const PatchShape&, const float*, float*);
template void from_patches(const PatchShape&, const double*, double*);

}  // namespace engine::kernels
