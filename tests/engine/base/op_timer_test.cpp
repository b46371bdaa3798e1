#include "engine/base/op_timer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace engine {
namespace {

constexpr std::chrono::milliseconds kWhile(5);

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

OpRow only_row(const OpProfile& profile) {
  const std::vector<OpRow> rows = profile.rows();
  EXPECT_EQ(rows.size(), 1u);
  return rows.empty() ? OpRow{} : rows.front();
}

TEST(OpTimer, adds_up_the_calls_of_one_kind_and_shape) {
  const OpProfile profile;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 3; ++i) {
    const OpTimer timer([] { return OpWork{"product", {2, 3, 4}, 24, 104}; });
    std::this_thread::sleep_for(kWhile);
  }
  const double most = seconds_since(start);
  const OpRow row = only_row(profile);
  EXPECT_EQ(row.work.kind, "product");
  EXPECT_EQ(row.work.shape, (std::array<Index, 5>{2, 3, 4, 0, 0}));
  EXPECT_FALSE(row.recomputed);
  EXPECT_EQ(row.calls, 3);
  EXPECT_EQ(row.work.multiply_adds, 72);
  EXPECT_EQ(row.work.bytes, 312u);
  EXPECT_GE(row.seconds, 3 * std::chrono::duration<double>(kWhile).count());
  EXPECT_LE(row.seconds, most);
}

TEST(OpTimer, tells_kinds_and_shapes_apart) {
  const OpProfile profile;
  for (const char* kind : {"a", "b"}) {
    for (Index rows = 1; rows <= 2; ++rows) const OpTimer timer([&] { return OpWork{kind, {rows, 1}}; });
  }
  EXPECT_EQ(profile.rows().size(), 4u);
}

TEST(OpTimer, inside_another_takes_its_time_from_it) {
  const OpProfile profile;
  const auto start = std::chrono::steady_clock::now();
  {
    const OpTimer outer([] { return OpWork{"outer"}; });
    for (int i = 0; i < 2; ++i) {
      const OpTimer inner([] { return OpWork{"inner"}; });
      const OpTimer innermost([] { return OpWork{"innermost"}; });
      std::this_thread::sleep_for(kWhile);
    }
  }
  const double all = seconds_since(start);
  const double slept = 2 * std::chrono::duration<double>(kWhile).count();
  double sum = 0;
  for (const OpRow& row : profile.rows()) {
    sum += row.seconds;
    if (row.work.kind == "innermost") {
      EXPECT_GE(row.seconds, slept);
    } else {
      EXPECT_LE(row.seconds, all - slept) << row.work.kind;
    }
  }
  EXPECT_EQ(profile.rows().size(), 3u);
  EXPECT_LE(sum, all);
}

TEST(OpTimer, is_in_no_row_before_it_ends) {
  const OpProfile profile;
  const OpTimer timer([] { return OpWork{"op"}; });
  EXPECT_TRUE(profile.rows().empty());
}

TEST(OpTimer, asks_for_no_work_without_a_profile) {
  { const OpProfile ended; }
  const OpTimer timer([]() -> OpWork { throw Error("asked"); });
}

TEST(OpProfile, is_of_its_thread) {
  const OpProfile profile;
  std::thread([] { const OpTimer timer([]() -> OpWork { throw Error("asked"); }); }).join();
  EXPECT_TRUE(profile.rows().empty());
}

TEST(OpProfile, inside_another_takes_over) {
  const OpProfile outer;
  {
    const OpProfile inner;
    const OpTimer timer([] { return OpWork{"op"}; });
  }
  EXPECT_TRUE(outer.rows().empty());
  {
    const OpTimer timer([] { return OpWork{"op"}; });
  }
  EXPECT_EQ(only_row(outer).calls, 1);
}

TEST(Recomputing, marks_the_ops_that_run_meanwhile) {
  const OpProfile profile;
  const auto op = [] { const OpTimer timer([] { return OpWork{"op"}; }); };
  op();
  {
    const Recomputing recomputing;
    op();
    {
      const Recomputing again;
      op();
    }
    op();
  }
  op();
  const std::vector<OpRow> rows = profile.rows();
  ASSERT_EQ(rows.size(), 2u);
  for (const OpRow& row : rows) EXPECT_EQ(row.calls, row.recomputed ? 3 : 2);
  EXPECT_NE(rows[0].recomputed, rows[1].recomputed);
}

}  // namespace
}  // namespace engine
