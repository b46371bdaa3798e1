#include "models/positions.h"

#include <gtest/gtest.h>

#include "engine/io/safetensors.h"
#include "tests/support/compare.h"
#include "tests/support/gradcheck.h"
#include "tests/support/paths.h"

namespace {

using engine::Index;
using engine::Tensor;
using models::resize_positions;

TEST(resize_positions, agrees_with_pytorchs_antialiased_bicubic_interpolation) {
  const engine::Safetensors golden(support::golden("positions.safetensors"));
  for (const auto& [name, grid] :
       {std::pair{"4_to_7", 7}, std::pair{"8_to_5", 5}, std::pair{"7_to_7", 7}, std::pair{"14_to_24", 24}}) {
    const Tensor resized = resize_positions(golden.read(std::string(name) + ".in"), grid);
    EXPECT_TRUE(support::near(resized, golden.read(std::string(name) + ".exact"), 1e-7)) << name;
    EXPECT_TRUE(support::near(resized, golden.read(std::string(name) + ".out"), 2e-6)) << name;
  }
}

TEST(resize_positions, keeps_the_class_tokens_entry_bit_for_bit) {
  const Tensor positions = support::random_tensor({1, 17, 5}, 1);
  const Tensor resized = resize_positions(positions, 9);
  ASSERT_EQ(resized.shape(), (engine::Shape{1, 82, 5}));
  EXPECT_TRUE(support::same_bits(resized.reshaped({82, 5}).slice(0, 1).clone(),
                                 positions.reshaped({17, 5}).slice(0, 1).clone()));
}

TEST(resize_positions, keeps_every_bit_when_the_grid_stays) {
  const Tensor positions = support::random_tensor({1, 50, 3}, 2);
  EXPECT_TRUE(support::same_bits(resize_positions(positions, 7), positions));
}

TEST(resize_positions, refuses_what_is_no_square_grid) {
  EXPECT_NE(support::error_of([] {
              resize_positions(Tensor::zeros({1, 12, 4}), 7);
            }).find("not a class token and a square grid"),
            std::string::npos);
  EXPECT_NE(support::error_of([] {
              resize_positions(Tensor::zeros({1, 1, 4}), 7);
            }).find("square grid"),
            std::string::npos);
}

}  // namespace
