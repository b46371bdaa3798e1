#include "tools/training/threads.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "engine/kernels/parallel.h"
#include "tests/support/kernel_guards.h"
#include "tools/training/control_groups.h"

namespace training {
namespace {

std::string chosen(Index asked, const ThreadLimits& limits) {
  return choose_threads(asked, limits).text();
}

TEST(ThreadsAskedFor, beat_everything) {
  EXPECT_EQ(chosen(3, {.processors = 1, .online = 8, .quota = 0.5, .omp_num_threads = "2"}),
            "3 threads: --threads");
}

TEST(OmpNumThreads, is_obeyed_by_the_first_number_of_a_list) {
  for (const char* text : {"5", " 5 ", "5,2", " 5 , 2", "5\t,1"}) {
    EXPECT_EQ(chosen(0, {.processors = 2, .online = 2, .quota = 1, .omp_num_threads = text}),
              "5 threads: OMP_NUM_THREADS")
        << text;
  }
  EXPECT_EQ(chosen(0, {.processors = 2, .online = 2, .omp_num_threads = "1"}), "1 thread: OMP_NUM_THREADS");
}

TEST(OmpNumThreads, that_is_no_number_of_threads_is_noted_and_not_used) {
  for (const char* text : {"many", "0", "-2", "1.5", ",4", "2 3", "1025", "99999999999999999999", "2x,1"}) {
    std::vector<std::string> notes;
    const Events events{.on_note = [&](const std::string& note) { notes.push_back(note); }};
    const Threads threads =
        choose_threads(0, {.processors = 2, .online = 2, .omp_num_threads = text}, events);
    EXPECT_EQ(threads.text(), "2 threads: all processors") << text;
    ASSERT_EQ(notes.size(), 1u) << text;
    EXPECT_TRUE(notes[0].starts_with("note: OMP_NUM_THREADS")) << notes[0];
    EXPECT_TRUE(notes[0].ends_with("it is not used")) << notes[0];
    notes.clear();
    choose_threads(1, {.omp_num_threads = text}, events);
    EXPECT_TRUE(notes.empty()) << "nobody asks for it beside --threads";
  }
}

TEST(OmpNumThreads, that_is_empty_is_none) {
  const Events events{.on_note = [](const std::string& note) { ADD_FAILURE() << note; }};
  for (const char* text : {"", "  "})
    EXPECT_EQ(choose_threads(0, {.processors = 2, .online = 2, .omp_num_threads = text}, events).count, 2);
}

TEST(Threads, are_those_that_a_quota_keeps_busy_where_that_is_less_than_the_processors) {
  const ThreadLimits four{.processors = 4, .online = 4};
  const auto with = [&](double quota) {
    ThreadLimits limits = four;
    limits.quota = quota;
    return chosen(0, limits);
  };
  EXPECT_EQ(with(0.25), "1 thread: the control group's quota of 0.25 processors");
  EXPECT_EQ(with(2), "2 threads: the control group's quota of 2 processors");
  EXPECT_EQ(with(2.5), "3 threads: the control group's quota of 2.5 processors");
  EXPECT_EQ(with(1.0 / 3), "1 thread: the control group's quota of 0.33 processors");
  EXPECT_EQ(with(3.5), "4 threads: all processors");
  EXPECT_EQ(with(1e300), "4 threads: all processors");
  EXPECT_EQ(chosen(0, four), "4 threads: all processors");
}

TEST(Threads, are_as_many_as_the_processors_that_the_process_may_run_on) {
  EXPECT_EQ(chosen(0, {.processors = 3, .online = 8}),
            "3 threads: this process may run on 3 of 8 processors");
  EXPECT_EQ(chosen(0, {.processors = 3, .online = 8, .quota = 2.0}),
            "2 threads: the control group's quota of 2 processors");
}

TEST(Threads, are_limited_by_the_quotas_of_both_versions_and_of_all_groups_above) {
  namespace fs = std::filesystem;
  const fs::path root = fs::temp_directory_path() / ("threads_test_" + std::to_string(getpid()));
  const auto write = [&](const std::string& file, const std::string& text) {
    fs::create_directories((root / file).parent_path());
    std::ofstream(root / file) << text << '\n';
  };
  const auto chosen_here = [&] {
    return chosen(0,
                  {.processors = 8, .online = 8, .quota = quota_of_groups({root / "groups", root / "sys"})});
  };
  write("groups", "0::/slice/job\n3:cpu,cpuacct:/box/1");
  EXPECT_EQ(chosen_here(), "8 threads: all processors");
  write("sys/slice/job/cpu.max", "600000 100000");
  EXPECT_EQ(chosen_here(), "6 threads: the control group's quota of 6 processors");
  write("sys/slice/cpu.max", "450000 100000");
  EXPECT_EQ(chosen_here(), "5 threads: the control group's quota of 4.5 processors");
  write("sys/cpu,cpuacct/box/cpu.cfs_quota_us", "150000");
  write("sys/cpu,cpuacct/box/cpu.cfs_period_us", "100000");
  EXPECT_EQ(chosen_here(), "2 threads: the control group's quota of 1.5 processors");
  fs::remove_all(root);
}

TEST(UseThreads, sets_what_it_says) {
  const support::UseThreads before(1);
  std::vector<std::string> notes;
  const Threads threads =
      use_threads(3, {.on_note = [&](const std::string& note) { notes.push_back(note); }});
  EXPECT_EQ(engine::kernels::threads(), 3);
  EXPECT_EQ(threads.count, 3);
  EXPECT_EQ(notes, std::vector<std::string>{"3 threads: --threads"});
}

}  // namespace
}  // namespace training
