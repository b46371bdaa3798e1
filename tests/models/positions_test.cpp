#include "models/positions.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/io/safetensors.h"
#include "models/words.h"
#include "tests/support/compare.h"
#include "tests/support/gradcheck.h"
#include "tests/support/paths.h"

namespace {

using engine::Index;
using engine::Tensor;
using models::resize_positions;

/// Of a class token and a square grid, for another square.
Tensor of_square(const Tensor& positions, Index side) {
  const Index from = std::lround(std::sqrt(static_cast<double>(positions.shape()[1] - 1)));
  return resize_positions(positions, 1, {from, from}, {side, side}, models::Resampling::bicubic_antialias);
}

TEST(resize_positions, agrees_with_pytorchs_antialiased_bicubic_interpolation) {
  const engine::Safetensors golden(support::golden("positions.safetensors"));
  for (const auto& [name, grid] :
       {std::pair{"4_to_7", 7}, std::pair{"8_to_5", 5}, std::pair{"7_to_7", 7}, std::pair{"14_to_24", 24}}) {
    const Tensor resized = of_square(golden.read(std::string(name) + ".in"), grid);
    EXPECT_TRUE(support::near(resized, golden.read(std::string(name) + ".exact"), 1e-7)) << name;
    EXPECT_TRUE(support::near(resized, golden.read(std::string(name) + ".out"), 2e-6)) << name;
  }
}

TEST(resize_positions, keeps_the_class_tokens_entry_bit_for_bit) {
  const Tensor positions = support::random_tensor({1, 17, 5}, 1);
  const Tensor resized = of_square(positions, 9);
  ASSERT_EQ(resized.shape(), (engine::Shape{1, 82, 5}));
  EXPECT_TRUE(support::same_bits(resized.reshaped({82, 5}).slice(0, 1).clone(),
                                 positions.reshaped({17, 5}).slice(0, 1).clone()));
}

TEST(resize_positions, keeps_every_bit_when_the_grid_stays) {
  const Tensor positions = support::random_tensor({1, 50, 3}, 2);
  EXPECT_TRUE(support::same_bits(of_square(positions, 7), positions));
}

TEST(resize_positions, refuses_what_is_not_of_the_grid) {
  const std::string error = support::error_of([] {
    resize_positions(Tensor::zeros({1, 12, 4}), 1, {3, 3}, {7, 7}, models::Resampling::bicubic);
  });
  EXPECT_NE(error.find("is not 1 prefix tokens and 3 x 3 patches"), std::string::npos) << error;
}

TEST(resize_positions, keeps_a_constant_and_every_prefix_entry_in_every_way) {
  using enum models::Resampling;
  for (const auto how : {bicubic_antialias, bicubic, bicubic_corners, bilinear, bilinear_corners}) {
    const Tensor resized = resize_positions(Tensor::full({1, 3 + 2 * 5, 2}, 0.75), 3, {2, 5}, {4, 3}, how);
    ASSERT_EQ(resized.shape(), (engine::Shape{1, 3 + 4 * 3, 2}));
    EXPECT_TRUE(support::near(resized, Tensor::full({1, 15, 2}, 0.75), 1e-7)) << models::word_of(how);
  }
}

TEST(at_image_size, refuses_a_size_that_patches_do_not_fill_unless_the_model_was_made_so) {
  models::VitConfig c;
  c.image_height = c.image_width = 230;
  EXPECT_EQ(models::at_image_size(c, 230, 230), c);
  EXPECT_NE(support::error_of([&] {
              models::at_image_size(c, 231, 231);
            }).find("is not a multiple of the patch size 16"),
            std::string::npos);
  EXPECT_EQ(models::at_image_size(c, 256, 320).across(), 20);
}

}  // namespace
