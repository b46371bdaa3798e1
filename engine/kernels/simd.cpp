#include "engine/kernels/simd.h"

#include <array>
#include <type_traits>

#include "engine/kernels/simd_sets.h"

namespace engine::kernels {
namespace {

struct Set {
  std::string_view name;
  bool runs_here;
  const Simd<float>& f32;
  const Simd<double>& f64;
};

const std::array kSets = {
#if defined(__x86_64__)
    Set{"avx512",
        __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
            __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"),
        avx512::f32(), avx512::f64()},
    Set{"avx2", __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"), avx2::f32(), avx2::f64()},
#endif
    Set{"baseline", true, baseline::f32(), baseline::f64()},
};

const Set*& current() {
  static const Set* set = [] {
    for (const Set& candidate : kSets) {
      if (candidate.runs_here) return &candidate;
    }
    return &kSets.back();
  }();
  return set;
}

}  // namespace

template <>
const Simd<float>& simd<float>() {
  return current()->f32;
}
template <>
const Simd<double>& simd<double>() {
  return current()->f64;
}

std::string_view simd_name() {
  return current()->name;
}

bool use_simd(std::string_view name) {
  for (const Set& set : kSets) {
    if (set.name == name && set.runs_here) {
      current() = &set;
      return true;
    }
  }
  return false;
}

}  // namespace engine::kernels
