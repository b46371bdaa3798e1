#pragma once

#include "engine/kernels/simd.h"

// The tables of inner loops, one pair per instruction set. Each lives in a file compiled for that set.
namespace engine::kernels {
namespace avx512 {
const Simd<float>& f32();
const Simd<double>& f64();
}  // namespace avx512
namespace avx2 {
const Simd<float>& f32();
const Simd<double>& f64();
}  // namespace avx2
namespace baseline {
const Simd<float>& f32();
const Simd<double>& f64();
}  // namespace baseline
}  // namespace engine::kernels
