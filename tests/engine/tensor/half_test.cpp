#include "engine/tensor/half.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace engine {
namespace {

/// A 16-bit floating format, spelt out from its definition in IEEE 754: slow, and with no bit tricks.
struct Format {
  int mantissa_bits, bias;
  std::uint32_t infinity;  // the bits of +infinity; the largest number is one less
  float (*decode)(std::uint16_t);
  std::uint16_t (*encode)(float);

  double value(std::uint32_t magnitude) const {
    const int exponent = static_cast<int>(magnitude >> mantissa_bits);
    const double fraction = magnitude & ((1u << mantissa_bits) - 1);
    const double one = std::ldexp(1.0, mantissa_bits);
    return exponent == 0 ? std::ldexp(fraction, 1 - bias - mantissa_bits)
                         : std::ldexp(one + fraction, exponent - bias - mantissa_bits);
  }

  /// The magnitude nearest to a positive number, found by trying the middle of all: ties go to even bits.
  std::uint32_t nearest(double x) const {
    std::uint32_t low = 0, high = infinity;  // value(low) <= x; infinity counts as the next power of two
    if (x >= value(infinity)) return infinity;
    while (high - low > 1) {
      const std::uint32_t middle = (low + high) / 2;
      (value(middle) <= x ? low : high) = middle;
    }
    const double down = x - value(low), up = value(high) - x;
    return down < up || (down == up && low % 2 == 0) ? low : high;
  }
};

constexpr Format kF16 = {10, 15, 0x7c00, f16_to_f32, f32_to_f16};
constexpr Format kBf16 = {7, 127, 0x7f80, bf16_to_f32, f32_to_bf16};

void every_pattern_comes_back(const Format& format) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const std::uint32_t magnitude = bits & 0x7fffu;
    const float value = format.decode(static_cast<std::uint16_t>(bits));
    const std::uint16_t back = format.encode(value);
    if (magnitude > format.infinity) {
      ASSERT_TRUE(std::isnan(value)) << bits;
      ASSERT_GT(back & 0x7fffu, format.infinity) << bits;
    } else {
      ASSERT_EQ(back, bits);
      ASSERT_EQ(std::signbit(value), bits >= 0x8000) << bits;
      const double expected =
          magnitude == format.infinity ? std::numeric_limits<double>::infinity() : format.value(magnitude);
      ASSERT_EQ(std::fabs(static_cast<double>(value)), expected) << bits;
    }
  }
}

void rounds_to_the_nearest(const Format& format) {
  const auto expect = [&](float x) {
    if (std::isnan(x)) return;
    const std::uint32_t sign = std::signbit(x) ? 0x8000u : 0u;
    ASSERT_EQ(format.encode(x), sign | format.nearest(std::fabs(static_cast<double>(x)))) << x;
  };
  // Around every number and every middle between two: the places where rounding can go wrong.
  for (std::uint32_t magnitude = 0; magnitude < format.infinity; ++magnitude) {
    const double low = format.value(magnitude), high = format.value(magnitude + 1);
    for (const double center : {low, (low + high) / 2}) {
      const float x = static_cast<float>(center);
      for (const float y :
           {x, std::nextafterf(x, 0), std::nextafterf(x, std::numeric_limits<float>::max())}) {
        expect(y);
        expect(-y);
      }
    }
  }
  // And all over the range of f32, by a step that is prime.
  for (std::uint64_t bits = 0; bits <= 0xffffffffu; bits += 40'009)
    expect(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
  expect(std::numeric_limits<float>::max());
  expect(std::numeric_limits<float>::denorm_min());
  expect(std::numeric_limits<float>::infinity());
}

TEST(F16, every_pattern_comes_back) {
  every_pattern_comes_back(kF16);
}
TEST(F16, rounds_to_the_nearest_and_ties_to_even) {
  rounds_to_the_nearest(kF16);
}
TEST(Bf16, every_pattern_comes_back) {
  every_pattern_comes_back(kBf16);
}
TEST(Bf16, rounds_to_the_nearest_and_ties_to_even) {
  rounds_to_the_nearest(kBf16);
}

TEST(Half, a_few_well_known_numbers) {
  EXPECT_EQ(f32_to_f16(1.0f), 0x3c00);
  EXPECT_EQ(f32_to_f16(65504.0f), 0x7bff);
  EXPECT_EQ(f32_to_f16(65520.0f), 0x7c00);
  EXPECT_EQ(f32_to_f16(0x1p-24f), 0x0001);
  EXPECT_EQ(f32_to_f16(0x1p-25f), 0x0000);
  EXPECT_EQ(f32_to_bf16(1.0f), 0x3f80);
  EXPECT_EQ(f32_to_bf16(3.14159274f), 0x4049);
}

}  // namespace
}  // namespace engine
