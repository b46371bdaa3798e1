#include "engine/kernels/caches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace engine::kernels {
namespace {

constexpr Index kKilo = 1024, kMega = 1024 * kKilo;

TEST(Caches, of_this_processor_have_whole_sets) {
  for (const Cache& cache : {caches().l1, caches().l2}) {
    EXPECT_GE(cache.ways, 1);
    EXPECT_GE(cache.bytes, 8 * kKilo);
    EXPECT_EQ(cache.sets() * cache.ways * Cache::kLine, cache.bytes);
  }
  EXPECT_LT(caches().l1.bytes, caches().l2.bytes);
  EXPECT_FALSE(caches().processor.empty());
}

/// By brute force: how many of many lines, `stride` bytes apart, find a place when each set has `ways`.
Index held_by_count(const Cache& cache, Index stride) {
  std::vector<Index> used(static_cast<std::size_t>(cache.sets()));
  for (Index i = 0; i < 4 * cache.sets() * cache.ways; ++i) {
    Index& set = used[static_cast<std::size_t>(i * stride / Cache::kLine % cache.sets())];
    set = std::min(set + 1, cache.ways);
  }
  Index held = 0;
  for (Index n : used) held += n;
  return held;
}

TEST(Cache, holds_few_lines_of_those_a_power_of_two_apart) {
  const Cache l1{32 * kKilo, 8}, l2{2 * kMega, 16};
  EXPECT_EQ(l1.lines_held(4096), 8);
  EXPECT_EQ(l1.lines_held(64), 512);
  EXPECT_EQ(l2.lines_held(3072 * 4), 512);
  for (const Cache& cache : {l1, Cache{48 * kKilo, 12}, Cache{kMega, 16}, l2}) {
    for (Index stride = Cache::kLine; stride <= 4 * 4096; stride += Cache::kLine)
      ASSERT_EQ(cache.lines_held(stride), held_by_count(cache, stride)) << stride;
  }
}

TEST(Caches, are_adjusted_by_words) {
  const Caches base{{32 * kKilo, 8}, {512 * kKilo, 8}, 8 * kMega, false, "some processor"};
  const Caches other = adjusted(base, "l1=48K/12,l2=2M/16,l3=105M,near");
  EXPECT_EQ(describe(other), "48 KB in 12 ways, 2 MB in 16 ways, 105 MB near");
  EXPECT_EQ(describe(base), "32 KB in 8 ways, 512 KB in 8 ways, 8 MB far");
  EXPECT_EQ(adjusted(base, "l2=1M/8").l1.bytes, base.l1.bytes);
}

TEST(Caches, refuse_words_that_say_nothing) {
  for (const char* text :
       {"l2=1M", "l2=1M/0", "l2=100K/7", "l2=M/8", "l2=1G/8", "l4=1M/8", "nearby", "l3=0M"}) {
    try {
      adjusted(caches(), text);
      ADD_FAILURE() << text << " was taken";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), ::testing::StartsWith("caches")) << text;
    }
  }
}

}  // namespace
}  // namespace engine::kernels
