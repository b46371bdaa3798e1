#include "engine/kernels/parallel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <vector>

#include "engine/kernels/reduce.h"
#include "tests/support/compare.h"
#include "tests/support/kernel_guards.h"
#include "tests/support/random_tensor.h"

namespace engine::kernels {
namespace {

TEST(ParallelFor, calls_every_index_once) {
  for (const int threads : {1, 2, 5}) {
    const support::UseThreads use(threads);
    for (const Index count : {Index{0}, Index{1}, Index{1009}}) {
      std::vector<std::atomic<int>> calls(static_cast<std::size_t>(count));
      parallel_for(count, [&](Index i) { ++calls[static_cast<std::size_t>(i)]; });
      for (const auto& n : calls) ASSERT_EQ(n, 1);
    }
  }
}

TEST(ParallelFor, inside_another_calls_every_pair_once) {
  const support::UseThreads use(3);
  std::vector<std::atomic<int>> calls(17 * 19);
  parallel_for(17, [&](Index i) {
    parallel_for(19, [&](Index j) { ++calls[static_cast<std::size_t>(i * 19 + j)]; });
  });
  for (const auto& n : calls) ASSERT_EQ(n, 1);
}

TEST(ParallelFor, throws_what_a_call_threw) {
  for (const int threads : {1, 3}) {
    const support::UseThreads use(threads);
    EXPECT_EQ(
        support::error_of([] { parallel_for(100, [](Index i) { check(i != 42, "number", i, "failed"); }); }),
        "number 42 failed");
  }
}

TEST(ParallelThen, calls_the_second_when_all_of_the_first_are_done) {
  for (const int threads : {1, 2, 5}) {
    const support::UseThreads use(threads);
    for (const Index first : {Index{0}, Index{1}, Index{37}}) {
      for (const Index second : {Index{0}, Index{1}, Index{101}}) {
        std::vector<Index> written(static_cast<std::size_t>(first), 0),
            seen(static_cast<std::size_t>(second), -1);
        parallel_then(
            first, [&](Index i) { ++written[static_cast<std::size_t>(i)]; }, second,
            [&](Index i) { seen[static_cast<std::size_t>(i)] = std::ranges::count(written, 1); });
        EXPECT_EQ(std::ranges::count(written, 1), first);
        EXPECT_EQ(std::ranges::count(seen, first), second) << threads << " threads";
      }
    }
  }
}

TEST(ParallelThen, throws_what_a_call_threw) {
  for (const int threads : {1, 3}) {
    const support::UseThreads use(threads);
    const auto fails = [](Index i) { check(i != 7, "number", i, "failed"); };
    const auto nothing = [](Index) {};
    const auto never = [](Index) { ADD_FAILURE() << "called after a failure"; };
    EXPECT_EQ(support::error_of([&] { parallel_then(9, fails, 9, never); }), "number 7 failed");
    EXPECT_EQ(support::error_of([&] { parallel_then(9, nothing, 9, fails); }), "number 7 failed");
  }
}

TEST(ParallelChunks, cut_without_gap_or_overlap_whatever_the_threads) {
  for (const int threads : {1, 4}) {
    const support::UseThreads use(threads);
    for (const Index count : {Index{0}, Index{1}, Index{9}, Index{10}, Index{11}, Index{101}}) {
      std::vector<std::atomic<int>> calls(static_cast<std::size_t>(count));
      parallel_chunks(count, 10, [&](Index begin, Index end) {
        EXPECT_EQ(begin % 10, 0);
        EXPECT_EQ(end, std::min(count, begin + 10));
        for (Index i = begin; i < end; ++i) ++calls[static_cast<std::size_t>(i)];
      });
      for (const auto& n : calls) ASSERT_EQ(n, 1);
    }
  }
}

TEST(Threads, can_be_set_and_read) {
  const support::UseThreads restore(threads());
  set_threads(3);
  EXPECT_EQ(threads(), 3);
  set_threads(0);
  EXPECT_GE(threads(), 1);
  EXPECT_EQ(support::error_of([] { set_threads(-1); }),
            "threads: a count of 0 (all cores) or more is needed, not -1");
}

TEST(SumOfDoubles, has_the_same_bits_for_any_number_of_threads) {
  const Index n = 3 * kChunk + 17;
  const Tensor x = support::random_tensor({n}, 1);
  const float* p = x.data<float>().data();
  double plain = 0, size = 0;
  for (Index i = 0; i < n; ++i) plain += p[i], size += std::abs(p[i]);
  const auto run = [&](int count) {
    const support::UseThreads use(count);
    return kernels::sum(n, [p](Index i) { return p[i]; });
  };
  EXPECT_NEAR(run(1), plain, 1e-12 * size);
  EXPECT_EQ(run(2), run(1));
  EXPECT_EQ(run(5), run(1));
}

TEST(SumOfDoubles, of_nothing_is_zero) {
  EXPECT_EQ(kernels::sum(0, [](Index) { return 1.0; }), 0);
}

TEST(ColumnSums, agree_with_doubles_for_odd_sizes) {
  for (const auto& [rows, columns] : std::vector<std::pair<Index, Index>>{
           {0, 3}, {1, 1}, {3, 0}, {63, 255}, {64, 256}, {65, 257}, {300, 5}}) {
    const Tensor x = support::random_tensor({rows, columns}, 1);
    const auto at = [p = x.data<float>().data(), columns = columns](Index i, Index j) {
      return p[i * columns + j];
    };
    Tensor sums = Tensor::full({columns}, NAN), expected = Tensor::zeros({columns}, Dtype::f64);
    column_sums(rows, columns, sums.data<float>().data(), at);
    for (Index i = 0; i < rows; ++i)
      for (Index j = 0; j < columns; ++j) expected.data<double>()[static_cast<std::size_t>(j)] += at(i, j);
    EXPECT_TRUE(support::near(sums, expected, 1e-6)) << rows << " rows, " << columns << " columns";
  }
}

TEST(ColumnSums, of_a_column_do_not_depend_on_its_neighbours) {
  const Index rows = 131, columns = 517;
  const Tensor x = support::random_tensor({rows, columns}, 1);
  const float* p = x.data<float>().data();
  std::vector<float> whole(static_cast<std::size_t>(columns));
  column_sums(rows, columns, whole.data(), [=](Index i, Index j) { return p[i * columns + j]; });
  for (Index j = 0; j < columns; ++j) {
    float alone;
    column_sums(rows, 1, &alone, [=](Index i, Index) { return p[i * columns + j]; });
    ASSERT_EQ(alone, whole[static_cast<std::size_t>(j)]) << j;
  }
}

}  // namespace
}  // namespace engine::kernels
