#include <gtest/gtest.h>

#include "tests/end_to_end/garden.h"
#include "tests/end_to_end/long_run.h"
#include "tests/support/sanitizer.h"

namespace end_to_end {
namespace {

/// `tune` of the garden with these many threads and workers; the bytes of the delta.
std::string delta_of(const Garden& garden, const std::string& method, const std::string& threads,
                     const std::string& workers, const std::string& seed = "0",
                     const std::string& recompute = "none", const Surroundings& where = {}) {
  const std::string name = method + threads + workers + seed + recompute;
  const Words words = Words{"tune",
                            "--model",
                            garden.model(),
                            "--data",
                            garden.data(),
                            "--method",
                            method,
                            "--threads",
                            threads,
                            "--workers",
                            workers,
                            "--seed",
                            seed,
                            "--batch-size",
                            "6",
                            "--recompute",
                            recompute,
                            "--steps",
                            "5",
                            "--lr",
                            "0.01",
                            "--out",
                            garden.run_folder(name)} +
                      demanding();
  const Outcome outcome = run(words, where);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  return read_text(garden.run_folder(name) + "/delta.safetensors");
}

class SameBits : public ::testing::TestWithParam<const char*> {};

TEST_P(SameBits, for_any_number_of_threads_and_workers) {
  const Garden garden;
  const std::string one = delta_of(garden, GetParam(), "1", "0");
  EXPECT_TRUE(delta_of(garden, GetParam(), "2", "1") == one);
  EXPECT_TRUE(delta_of(garden, GetParam(), "3", "4") == one);
}

TEST_P(SameBits, for_the_same_seed_only) {
  const Garden garden;
  const std::string zero = delta_of(garden, GetParam(), "2", "2", "0");
  fs::remove_all(garden.run_folder(std::string(GetParam()) + "220none"));
  EXPECT_TRUE(delta_of(garden, GetParam(), "2", "2", "0") == zero);
  EXPECT_FALSE(delta_of(garden, GetParam(), "2", "2", "1") == zero);
}

TEST_P(SameBits, whatever_is_recomputed) {
  const Garden garden;
  const std::string held = delta_of(garden, GetParam(), "2", "1");
  for (const char* what : {"mlp", "blocks"})
    EXPECT_TRUE(delta_of(garden, GetParam(), "2", "1", "0", what) == held) << what;
}

TEST_P(SameBits, wherever_memory_lies_and_however_loops_are_dealt_out) {
  if (support::kSanitized) GTEST_SKIP() << "sanitizers have an allocator of their own";
  const Garden garden;
  const std::string one = delta_of(garden, GetParam(), "1", "0");
  const Words places{"0", "16", "32", "48"}, dealings{"static", "dynamic,1", "guided", "static,3"},
      threads{"2", "3", "4", "7"};
  for (std::size_t i = 0; i < places.size(); ++i) {
    const Surroundings where{.through = {"env", std::string("LD_PRELOAD=") + ESPALIER_SHIFTED_MALLOC,
                                         "ESPALIER_SHIFT=" + places[i], "OMP_SCHEDULE=" + dealings[i]}};
    EXPECT_TRUE(delta_of(garden, GetParam(), threads[i], "2", "0", "none", where) == one)
        << threads[i] << " threads, shifted by " << places[i];
  }
}

INSTANTIATE_TEST_SUITE_P(, SameBits, ::testing::Values("full", "grft", "gps", "sift", "dora", "spt"),
                         [](const auto& method) { return std::string(method.param); });

}  // namespace
}  // namespace end_to_end
