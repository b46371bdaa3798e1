#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/tensor/tensor.h"

namespace support {

/// The values of an f32 or f64 tensor as doubles.
inline std::vector<double> doubles(const engine::Tensor& t) {
  return engine::visit(t.dtype(), [&]<class T>() {
    const auto values = t.data<T>();
    return std::vector<double>(values.begin(), values.end());
  });
}

/// The same shape, dtype and bytes.
inline ::testing::AssertionResult same_bits(const engine::Tensor& a, const engine::Tensor& b) {
  if (!a.defined() || !b.defined()) return ::testing::AssertionFailure() << "there is no tensor";
  if (!(a.shape() == b.shape()) || a.dtype() != b.dtype())
    return ::testing::AssertionFailure()
           << a.dtype() << " " << a.shape() << " and " << b.dtype() << " " << b.shape();
  if (std::memcmp(a.raw(), b.raw(), a.bytes()) == 0) return ::testing::AssertionSuccess();
  const engine::Index size = engine::size_of(a.dtype());
  engine::Index different = 0, first = -1;
  for (engine::Index i = 0; i < a.numel(); ++i) {
    if (std::memcmp(a.raw() + i * size, b.raw() + i * size, static_cast<std::size_t>(size)) == 0) continue;
    if (different++ == 0) first = i;
  }
  return ::testing::AssertionFailure()
         << different << " of " << a.numel() << " values differ, the first at " << first;
}

/// The same shape, and no value further off than `tolerance` times the largest of `expected` (or of 1e-30).
inline ::testing::AssertionResult near(const engine::Tensor& actual, const engine::Tensor& expected,
                                       double tolerance) {
  if (!actual.defined() || !expected.defined()) return ::testing::AssertionFailure() << "there is no tensor";
  if (!(actual.shape() == expected.shape()))
    return ::testing::AssertionFailure() << actual.shape() << " instead of " << expected.shape();
  const std::vector<double> a = doubles(actual), b = doubles(expected);
  double largest = 1e-30;
  for (double value : b) largest = std::max(largest, std::abs(value));
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!(std::abs(a[i] - b[i]) <= tolerance * largest))
      return ::testing::AssertionFailure() << "value " << i << " is " << a[i] << " instead of " << b[i]
                                           << ", the largest being " << largest;
  }
  return ::testing::AssertionSuccess();
}

/// The message of the Error that `f` throws; "nothing was thrown" when it throws none.
template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const engine::Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

}  // namespace support
