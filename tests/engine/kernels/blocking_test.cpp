#include "engine/kernels/blocking.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "engine/base/div_up.h"

namespace engine::kernels {
namespace {

using Deal = Blocking::Deal;

constexpr Index kKilo = 1024, kMega = 1024 * kKilo;
const Caches kZen4{{32 * kKilo, 8}, {kMega, 8}, 32 * kMega, true, "Zen 4"};
const Caches kSapphireRapids{{48 * kKilo, 12}, {2 * kMega, 16}, 105 * kMega, false, "Sapphire Rapids"};
const Caches kZen2{{32 * kKilo, 8}, {512 * kKilo, 8}, 16 * kMega, true, "Zen 2"};

/// A product of f32 by AVX-512's tile; a lies along its rows, or along its columns.
ProductShape wide(Index m, Index n, Index k, bool along_columns = false) {
  return {m, n, k, along_columns ? 1 : k, along_columns ? m : 1, 4, 8, 48, 64};
}

/// The same by AVX2's.
ProductShape narrow(Index m, Index n, Index k, bool along_columns = false) {
  return {m, n, k, along_columns ? 1 : k, along_columns ? m : 1, 4, 6, 16, 32};
}

/// The products of the linear layers of ViT-Ti to H.
std::vector<ProductShape> products() {
  std::vector<ProductShape> all;
  for (Index width : {192, 384, 768, 1024, 1280}) {
    for (Index batch : {1, 8, 32}) {
      const Index rows = batch * (width == 1280 ? 257 : 197);
      for (auto [out, in] : {std::pair<Index, Index>{3, 1}, {1, 1}, {4, 1}, {1, 4}}) {
        all.push_back(wide(rows, out * width, in * width));
        all.push_back(wide(rows, in * width, out * width));
        all.push_back(wide(out * width, in * width, rows, true));
      }
    }
  }
  return all;
}

TEST(Blocking, with_a_near_last_cache_passes_whole_blocks_of_depth) {
  // The fixed sizes that were measured on Zen 4: 4 MB shared, 384 KB of a task's own, c below 256 KB small.
  constexpr Index kShared = kMega, kOwn = 96 * kKilo, kSmall = 64 * kKilo;
  for (const ProductShape& s : products()) {
    const Blocking how = blocking(s, kZen4);
    const Deal deal = s.m * s.n <= kSmall && KBlocks(s.k).count() >= 4               ? Deal::depth
                      : s.m >= s.n || (s.m >= 16 * 8 && s.n <= 2 * kShared / kDepth) ? Deal::rows
                                                                                     : Deal::columns;
    EXPECT_EQ(how.deal, deal) << s.m << ' ' << s.n << ' ' << s.k;
    EXPECT_EQ(how.own_values, kOwn);
    EXPECT_EQ(how.blocks_at_a_time,
              std::min(KBlocks(s.k).count(), std::max<Index>(1, kShared / s.n / kDepth)));
    EXPECT_GE(how.columns_at_a_time, s.n);
    EXPECT_EQ(how.fewest_tiles, s.m < s.n ? 2 : 3);
    EXPECT_FALSE(how.pack_left);
  }
}

TEST(Blocking, with_a_far_last_cache_keeps_the_panels_that_pass_in_the_second) {
  for (const ProductShape& s : products()) {
    const Blocking how = blocking(s, kSapphireRapids);
    EXPECT_EQ(how.columns_at_a_time % s.tile_columns, 0);
    EXPECT_LE((how.columns_at_a_time - s.tile_columns) * s.depth() * 4, kSapphireRapids.l2.bytes * 5 / 8);
    EXPECT_GE(how.columns_at_a_time, std::min<Index>(s.n, 384));
  }
}

TEST(Blocking, deals_columns_where_a_block_of_few_rows_stays_near) {
  EXPECT_EQ(blocking(wide(197, 2304, 768), kSapphireRapids).deal, Deal::columns);
  EXPECT_EQ(blocking(wide(197, 768, 768), kSapphireRapids).deal, Deal::rows);
  EXPECT_EQ(blocking(wide(32, 768, 192), kSapphireRapids).deal, Deal::columns);  // rows for two tasks alone
  EXPECT_EQ(blocking(wide(1576, 2304, 768), kSapphireRapids).deal, Deal::rows);
  EXPECT_EQ(blocking_of_packed(wide(197, 2304, 768), kZen4).deal, Deal::columns);
  EXPECT_EQ(blocking_of_packed(wide(1, 768, 3072), kZen4).deal, Deal::columns);
  EXPECT_EQ(blocking_of_packed(wide(1576, 2304, 768), kZen4).deal, Deal::rows);
}

TEST(Blocking, packs_a_left_hand_side_whose_lines_fall_into_few_sets_of_the_second_cache) {
  // dW of fc1 of ViT-B: 394 lines 12,288 bytes apart. Of proj: 3,072 bytes apart.
  EXPECT_TRUE(blocking(wide(3072, 768, 1576, true), kSapphireRapids).pack_left);
  EXPECT_FALSE(blocking(wide(768, 768, 1576, true), kSapphireRapids).pack_left);
  EXPECT_TRUE(blocking(narrow(3072, 768, 1576, true), kZen2).pack_left);
}

TEST(Blocking, packs_a_left_hand_side_that_many_panels_read_down_its_columns) {
  EXPECT_TRUE(blocking(wide(768, 3072, 1576, true), kSapphireRapids).pack_left);
  EXPECT_TRUE(blocking(narrow(768, 768, 1576, true), kZen2).pack_left);
  EXPECT_FALSE(blocking(wide(768, 3072, 1576), kSapphireRapids).pack_left);
  EXPECT_FALSE(blocking(narrow(1576, 3072, 768), kZen2).pack_left);
}

}  // namespace
}  // namespace engine::kernels
