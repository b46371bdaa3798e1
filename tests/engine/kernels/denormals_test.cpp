#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <thread>
#include <vector>

#include "engine/base/flush_denormals.h"
#include "engine/kernels/elementwise.h"
#include "engine/kernels/gemm.h"
#include "engine/kernels/packed_gemm.h"
#include "engine/kernels/parallel.h"
#include "tests/support/kernel_guards.h"

#if defined(__x86_64__) || defined(__aarch64__)

namespace engine::kernels {
namespace {

constexpr float kSmallest = std::numeric_limits<float>::min();  // that is not denormal

float product(float a, float b) {
  volatile float x = a, y = b, xy = x * y;  // now, and not when this is compiled
  return xy;
}
/// What a thread makes of a result that is denormal, and of an operand.
bool flushes_results() {
  return product(kSmallest, 0.5f) == 0;
}
bool flushes_operands() {
  return product(std::numeric_limits<float>::denorm_min(), 0x1p100f) == 0;
}
bool flushes() {
  return flushes_results() && flushes_operands();
}

TEST(Denormals, are_flushed_by_every_call_of_a_loop_and_not_by_its_caller) {
  for (const int threads : {1, 2, 3}) {
    const support::UseThreads use(threads);
    for (const Index count : {1, 2, 100}) {
      std::vector<int> flushed(static_cast<std::size_t>(count));
      const auto note = [&](Index i) { flushed[static_cast<std::size_t>(i)] += flushes() ? 1 : 0; };
      parallel_then(count, note, count, note);
      EXPECT_EQ(flushed, std::vector<int>(flushed.size(), 2)) << threads << " threads";
      EXPECT_FALSE(flushes_results() || flushes_operands()) << threads << " threads";
    }
  }
}

TEST(Denormals, stay_flushed_for_a_caller_who_flushes_them) {
  const FlushDenormals outer;
  parallel_for(8, [](Index) {});
  { const FlushDenormals inner; }
  EXPECT_TRUE(flushes());
}

TEST(Denormals, of_other_threads_are_their_own) {
  const FlushDenormals here;
  bool before = false, during = false, after = false;
  std::thread([&] {
    before = flushes();  // a thread may begin with the mode of the one that started it
    {
      const FlushDenormals flush;
      during = flushes();
    }
    after = flushes();
  }).join();
  EXPECT_TRUE(during);
  EXPECT_EQ(after, before);
}

TEST(Denormals, leave_the_mode_of_a_caller_alone_when_a_call_throws) {
  const support::UseThreads use(2);
  EXPECT_THROW(parallel_for(9, [](Index i) { check(i != 4, "fails"); }), Error);
  EXPECT_FALSE(flushes_results() || flushes_operands());
}

/// Values of which every other is denormal.
std::vector<float> half_denormal(Index count) {
  std::vector<float> values;
  for (Index i = 0; i < count; ++i) {
    const float x = static_cast<float>(i % 37 - 18) / 16;
    values.push_back(i % 2 == 0 ? x : x * 0x1p-130f);
  }
  return values;
}

template <class F>
void expect_the_same_bits_for_any_thread_count(F compute) {
  const auto run = [&](int threads) {
    const support::UseThreads use(threads);
    return compute();
  };
  const std::vector<float> once = run(1);
  for (const float value : once) ASSERT_NE(std::fpclassify(value), FP_SUBNORMAL);
  for (const int threads : {2, 3}) {
    const std::vector<float> again = run(threads);
    EXPECT_EQ(std::memcmp(again.data(), once.data(), once.size() * sizeof(float)), 0) << threads;
  }
}

TEST(Denormals, in_sums_give_the_same_bits_for_any_thread_count) {
  const Index n = 5 * kChunk + 3;
  const std::vector<float> x = half_denormal(n);
  expect_the_same_bits_for_any_thread_count([&] {
    std::vector<float> y(x.size());
    add(n, x.data(), x.data(), y.data());
    return y;
  });
}

TEST(Denormals, in_products_give_the_same_bits_for_any_thread_count) {
  const Index m = 70, n = 50, k = 300;
  std::vector<float> a = half_denormal(m * k), b = half_denormal(k * n);
  for (float& value : a) value *= 0x1p-126f;  // so that most products are denormal
  for (const std::string_view name : support::simd_sets()) {
    const support::UseSimd simd(name);
    expect_the_same_bits_for_any_thread_count([&] {
      std::vector<float> c(static_cast<std::size_t>(m * n));
      gemm<float>({a.data(), m, k, k}, {b.data(), k, n, n}, c.data(), n);
      return c;
    });
  }
}

TEST(Denormals, of_gelu_behind_a_thin_product_are_flushed_as_behind_one_with_packed_weights) {
  const Index n = 301, k = 5;
  std::vector<float> a(static_cast<std::size_t>(k), 1), b(static_cast<std::size_t>(k * n));
  for (Index i = 0; i < k * n; ++i)
    b[static_cast<std::size_t>(i)] = -2.6f - static_cast<float>(i % n) * 3e-4f;
  for (const std::string_view name : support::simd_sets()) {  // gelu(-13) is about -1e-37
    const support::UseSimd simd(name);
    const Matrix<float> left{a.data(), 1, k, k}, right{b.data(), k, n, n};
    std::vector<float> thin(static_cast<std::size_t>(n)), packed = thin;
    gemm<float>(left, right, thin.data(), n, {.activation = Activation::gelu});
    gemm<float>(left, pack_rhs(right), packed.data(), n, {.activation = Activation::gelu});
    EXPECT_EQ(std::memcmp(thin.data(), packed.data(), thin.size() * sizeof(float)), 0) << name;
    for (const float value : thin) EXPECT_NE(std::fpclassify(value), FP_SUBNORMAL) << name;
    EXPECT_FALSE(flushes_results() || flushes_operands()) << "the caller's mode";
  }
}

}  // namespace
}  // namespace engine::kernels

#endif
