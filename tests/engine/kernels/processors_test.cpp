#include "engine/kernels/processors.h"

#include <gtest/gtest.h>
#include <omp.h>
#include <sched.h>

namespace engine::kernels {
namespace {

int allowed() {
  cpu_set_t set;
  return ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
}

// What OpenMP does when it is told to bind threads is tried on the program: ThreadsOfTheProgram.
TEST(Processors, of_a_process_whose_threads_are_not_bound_are_what_it_may_run_on) {
  if (omp_get_num_places() > 0) GTEST_SKIP() << "this environment binds threads";
  cpu_set_t before;
  ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
  EXPECT_EQ(Processors::of_loops().count(), CPU_COUNT(&before));
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int number = 0; number < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++number)
    if (CPU_ISSET(number, &before)) CPU_SET(number, &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(Processors::of_loops().count(), 1);
  EXPECT_TRUE(Processors::of_loops().release_thread());
  EXPECT_EQ(allowed(), 1) << "who has bound it was not OpenMP";
  ASSERT_EQ(::sched_setaffinity(0, sizeof before, &before), 0);
}

}  // namespace
}  // namespace engine::kernels
