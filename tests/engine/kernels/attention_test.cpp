#include "engine/kernels/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "tests/support/compare.h"
#include "tests/support/kernel_guards.h"
#include "tests/support/random_tensor.h"

namespace engine::kernels {
namespace {

Tensor qkv_of(const AttentionShape& s, Dtype dtype, double std = 1) {
  return support::random_tensor({s.batch, s.tokens, 3, s.heads, s.width}, 1, dtype, std);
}

/// attention_backward() for thirds, without a bias.
template <class T>
void backward(const AttentionShape& s, const Tensor& qkv, const Tensor& y, const Tensor& log_sum_exp,
              const Tensor& dy, Tensor& dqkv) {
  attention_backward<T>(s, thirds_of(s, qkv.data<T>().data()), {}, y.data<T>().data(),
                        log_sum_exp.data<T>().data(), dy.data<T>().data(),
                        thirds_of(s, dqkv.data<T>().data()), nullptr);
}

struct Result {
  Tensor y, log_sum_exp;
};

template <class T>
Result attend(const AttentionShape& s, const Tensor& qkv) {
  Result r{Tensor::uninitialized({s.batch, s.queries, s.heads, s.width}, dtype_of<T>),
           Tensor::uninitialized({s.batch, s.heads, s.queries}, dtype_of<T>)};
  attention<T>(s, thirds_of(s, qkv.data<T>().data()), {}, r.y.data<T>().data(),
               r.log_sum_exp.data<T>().data());
  return r;
}

template <class T>
void expect_plain(const AttentionShape& s, double std, double tolerance) {
  const Tensor qkv = qkv_of(s, dtype_of<T>, std), exact = qkv.to(Dtype::f64);
  Tensor plain = Tensor::uninitialized({s.batch, s.tokens, s.heads, s.width}, Dtype::f64);
  attention_plain<double>(s, thirds_of(s, exact.data<double>().data()), {}, plain.data<double>().data());
  EXPECT_TRUE(support::near(attend<T>(s, qkv).y, plain, tolerance))
      << s.batch << " images, " << s.tokens << " tokens, " << s.heads << " heads of " << s.width;
}

const std::vector<AttentionShape> kShapes = {{1, 1, 1, 1},  {1, 2, 1, 3},   {3, 5, 2, 7},
                                             {2, 17, 3, 8}, {1, 50, 1, 64}, {1, 197, 2, 31}};

TEST(Attention, agrees_with_the_plain_version_on_every_set) {
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    SCOPED_TRACE(std::string(set));
    for (const AttentionShape& s : kShapes) {
      expect_plain<float>(s, 1, 2e-6);
      expect_plain<double>(s, 1, 1e-14);
    }
  }
}

TEST(Attention, agrees_with_the_plain_version_for_scores_that_would_overflow_exp) {
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    SCOPED_TRACE(std::string(set));
    expect_plain<float>({1, 13, 2, 8}, 20, 1e-3);  // scores of a thousand: their own rounding is 1e-4
    expect_plain<double>({1, 13, 2, 8}, 20, 1e-11);
  }
}

/// The first queries alone have the bits of all of them, and their gradient is that of zeros behind.
TEST(Attention, of_the_first_queries_alone_is_a_part_of_the_whole) {
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    const AttentionShape all{2, 53, 3, 20}, few{2, 53, 3, 20, 2};
    const Tensor qkv = qkv_of(all, Dtype::f32), dy = support::random_tensor({2, 2, 3, 20}, 2);
    const Result whole = attend<float>(all, qkv), part = attend<float>(few, qkv);
    Tensor padded = Tensor::zeros({2, 53, 3, 20});
    for (Index i = 0; i < 2; ++i) {
      EXPECT_EQ(
          std::memcmp(part.y.data<float>().data() + i * 120, whole.y.data<float>().data() + i * 53 * 60, 480),
          0);
      std::copy_n(dy.data<float>().data() + i * 120, 120, padded.data<float>().data() + i * 53 * 60);
    }
    Tensor expected = Tensor::uninitialized(qkv.shape()), actual = Tensor::uninitialized(qkv.shape());
    actual = Tensor::zeros(qkv.shape());  // the kernel writes no gradient of queries that asked for nothing
    backward<float>(all, qkv, whole.y, whole.log_sum_exp, padded, expected);
    backward<float>(few, qkv, part.y, part.log_sum_exp, dy, actual);
    EXPECT_TRUE(support::near(actual, expected, 1e-6)) << set;
  }
}

TEST(Attention, log_sum_exp_is_the_logarithm_of_the_denominator) {
  const AttentionShape s{1, 7, 2, 3};
  const Tensor qkv = qkv_of(s, Dtype::f64);
  const Tensor log_sum_exp = attend<double>(s, qkv).log_sum_exp;
  const double* p = qkv.data<double>().data();
  for (Index head = 0; head < 2; ++head) {
    for (Index t = 0; t < 7; ++t) {
      double total = 0;
      for (Index u = 0; u < 7; ++u) {
        double score = 0;
        for (Index c = 0; c < 3; ++c) score += p[t * 18 + head * 3 + c] * p[u * 18 + 6 + head * 3 + c];
        total += std::exp(score / std::sqrt(3.0));
      }
      EXPECT_NEAR(log_sum_exp.data<double>()[static_cast<std::size_t>(head * 7 + t)], std::log(total), 1e-13);
    }
  }
}

TEST(Attention, an_image_has_the_same_bits_alone_and_in_a_batch) {
  const AttentionShape all{3, 11, 2, 5}, one{1, 11, 2, 5};
  const Tensor qkv = qkv_of(all, Dtype::f32);
  const Tensor y = attend<float>(all, qkv).y;
  for (Index i = 0; i < 3; ++i) {
    const Tensor alone = attend<float>(one, qkv.slice(i, i + 1)).y;
    EXPECT_TRUE(support::same_bits(alone, y.slice(i, i + 1))) << i;
  }
}

TEST(AttentionBackward, an_image_has_the_same_bits_alone_and_in_a_batch) {
  const AttentionShape all{3, 11, 2, 5}, one{1, 11, 2, 5};
  const Tensor qkv = qkv_of(all, Dtype::f32), dy = support::random_tensor({3, 11, 2, 5}, 2);
  const auto run = [](const AttentionShape& s, const Tensor& in, const Tensor& gradient) {
    const Result r = attend<float>(s, in);
    Tensor dqkv = Tensor::uninitialized(in.shape());
    backward<float>(s, in, r.y, r.log_sum_exp, gradient, dqkv);
    return dqkv;
  };
  const Tensor whole = run(all, qkv, dy);
  for (Index i = 0; i < 3; ++i) {
    EXPECT_TRUE(support::same_bits(run(one, qkv.slice(i, i + 1), dy.slice(i, i + 1)), whole.slice(i, i + 1)))
        << i;
  }
}

}  // namespace
}  // namespace engine::kernels
