#pragma once

#include <cstdint>

namespace engine {

/// The exact value of an IEEE 754 half-precision number given by its bits; NaN stays NaN.
float f16_to_f32(std::uint16_t bits);
/// The half-precision number nearest to `value`, ties to even, too large ones to infinity.
std::uint16_t f32_to_f16(float value);
/// The exact value of a bfloat16 number given by its bits.
float bf16_to_f32(std::uint16_t bits);
/// The bfloat16 number nearest to `value`, ties to even.
std::uint16_t f32_to_bf16(float value);

}  // namespace engine
