#pragma once

#include <cstdint>
#include <ostream>
#include <utility>

#include "engine/base/check.h"

namespace engine {

/// The type of a tensor's values. Arithmetic is done in f32 and f64; the others are for storage only.
enum class Dtype : std::uint8_t { f32, f64, f16, bf16, i64, u8 };

/// Bytes of one value.
constexpr Index size_of(Dtype dtype) {
  constexpr Index sizes[] = {4, 8, 2, 2, 8, 1};
  return sizes[static_cast<int>(dtype)];
}

inline std::ostream& operator<<(std::ostream& out, Dtype dtype) {
  constexpr const char* names[] = {"f32", "f64", "f16", "bf16", "i64", "u8"};
  return out << names[static_cast<int>(dtype)];
}

/// The Dtype of a C++ type that can be read directly.
template <class T>
struct DtypeOf;
template <>
struct DtypeOf<float> {
  static constexpr Dtype value = Dtype::f32;
};
template <>
struct DtypeOf<double> {
  static constexpr Dtype value = Dtype::f64;
};
template <>
struct DtypeOf<std::int64_t> {
  static constexpr Dtype value = Dtype::i64;
};
template <>
struct DtypeOf<std::uint8_t> {
  static constexpr Dtype value = Dtype::u8;
};
template <class T>
constexpr Dtype dtype_of = DtypeOf<T>::value;

/// Calls `f` with the C++ type of a compute dtype: visit(t, [&]<class T>() { ... }).
template <class F>
decltype(auto) visit(Dtype dtype, F&& f) {
  check(dtype == Dtype::f32 || dtype == Dtype::f64, "tensor: arithmetic needs f32 or f64, not", dtype);
  return dtype == Dtype::f32 ? std::forward<F>(f).template operator()<float>()
                             : std::forward<F>(f).template operator()<double>();
}

}  // namespace engine
