#include "engine/kernels/patches.h"

#include <gtest/gtest.h>

#include "tests/support/compare.h"
#include "tests/support/random_tensor.h"

namespace engine::kernels {
namespace {

const std::vector<PatchShape> kShapes = {{1, 1, 1, 1, 1}, {2, 3, 5, 7, 1}, {1, 3, 6, 9, 3}, {3, 2, 8, 4, 4}};

TEST(Patches, come_back_as_the_same_images) {
  for (const PatchShape& s : kShapes) {
    const Tensor images = support::random_tensor({s.batch, s.channels, s.height, s.width}, 1);
    Tensor cut = Tensor::full(images.shape(), NAN), back = Tensor::full(images.shape(), NAN);
    to_patches(s, images.data<float>().data(), cut.data<float>().data());
    from_patches(s, cut.data<float>().data(), back.data<float>().data());
    EXPECT_TRUE(support::same_bits(back, images)) << s.patch;
  }
}

TEST(Patches, hold_every_number_at_its_place) {
  for (const PatchShape& s : kShapes) {
    const Tensor images = support::random_tensor({s.batch, s.channels, s.height, s.width}, 1, Dtype::f64);
    Tensor cut = Tensor::full(images.shape(), NAN, Dtype::f64);
    to_patches(s, images.data<double>().data(), cut.data<double>().data());
    std::size_t at = 0;
    for (Index n = 0; n < s.batch; ++n)
      for (Index top = 0; top < s.height; top += s.patch)
        for (Index left = 0; left < s.width; left += s.patch)
          for (Index c = 0; c < s.channels; ++c)
            for (Index y = top; y < top + s.patch; ++y)
              for (Index x = left; x < left + s.patch; ++x) {
                const Index from = ((n * s.channels + c) * s.height + y) * s.width + x;
                ASSERT_EQ(cut.data<double>()[at++], images.data<double>()[static_cast<std::size_t>(from)]);
              }
  }
}

}  // namespace
}  // namespace engine::kernels
