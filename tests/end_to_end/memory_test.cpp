#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>

#include "tests/end_to_end/long_run.h"
#include "tests/support/sanitizer.h"

namespace end_to_end {
namespace {

using ::testing::HasSubstr;

/// A run whose activations are large, on the garden's images.
Words large_run(const Garden& garden, const std::string& method, const fs::path& out) {
  return {"tune",
          "--arch",
          "vit_tiny_patch16_224",
          "--data",
          garden.data(),
          "--method",
          method,
          "--batch-size",
          "9",
          "--steps",
          "1",
          "--threads",
          "2",
          "--workers",
          "1",
          "--out",
          out};
}

/// The megabytes that the note of a run estimates.
double estimated(const Outcome& outcome) {
  std::smatch found;
  const bool there = std::regex_search(outcome.err, found, std::regex("total (\\d+) MB"));
  EXPECT_TRUE(there) << outcome.err;
  return there ? std::stod(found[1]) : 0;
}

class MemoryEstimate : public ::testing::TestWithParam<const char*> {};

TEST_P(MemoryEstimate, is_near_the_peak_of_the_run) {
  if (support::kSanitized) GTEST_SKIP() << "sanitizers need memory of their own";
  const Garden garden;
  const fs::path out = garden.run_folder();
  const Outcome outcome = run(large_run(garden, GetParam(), out));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const double peak = read_json(out / "result.json")["peak_mb"];
  EXPECT_GT(estimated(outcome), 0.7 * peak);
  EXPECT_LT(estimated(outcome), 1.3 * peak);
}

INSTANTIATE_TEST_SUITE_P(, MemoryEstimate, ::testing::Values("linear", "full", "grft"),
                         [](const auto& method) { return std::string(method.param); });

TEST(MemoryEstimateOfScoring, is_of_images_of_the_size_that_is_scored_with) {
  if (support::kSanitized) GTEST_SKIP() << "sanitizers need memory of their own";
  const Garden garden;
  const fs::path out = garden.run_folder();
  const Outcome outcome = run(large_run(garden, "grft", out) + Words{"--score-image-size", "320"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const double peak = read_json(out / "result.json")["peak_mb"];
  EXPECT_GT(estimated(outcome), 0.7 * peak);
  EXPECT_LT(estimated(outcome), 1.3 * peak);
}

TEST(MemoryEstimateOfFewerPatches, is_near_the_peak_of_the_run) {
  if (support::kSanitized) GTEST_SKIP() << "sanitizers need memory of their own";
  const Garden garden;
  const fs::path out = garden.run_folder();
  const Outcome outcome = run(large_run(garden, "grft", out) + Words{"--patch-drop", "0.75"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const double peak = read_json(out / "result.json")["peak_mb"];
  EXPECT_GT(estimated(outcome), 0.7 * peak);
  EXPECT_LT(estimated(outcome), 1.3 * peak);
}

/// The surroundings of a program that gets this much address space.
Surroundings with_megabytes(int count) {
  return {.through = {"sh", "-c", "ulimit -v " + std::to_string(count * 1000) + "; exec \"$@\"", "sh"}};
}

TEST(TooLittleMemory, is_found_out_before_the_run_with_what_to_lower) {
  if (support::kSanitized) GTEST_SKIP() << "sanitizers reserve address space";
  const Garden garden;
  const fs::path out = garden.run_folder();
  const std::string error = run(large_run(garden, "grft", out), with_megabytes(400)).error(1);
  EXPECT_THAT(error, HasSubstr("while scoring"));
  for (const char* word : {"--batch-size", "--image-size", "--recompute"})
    EXPECT_THAT(error, HasSubstr(word));
  EXPECT_FALSE(fs::exists(out));
}

TEST(TooLittleMemory, during_a_run_is_one_line_and_leaves_no_half_file) {
  if (support::kSanitized) GTEST_SKIP() << "sanitizers reserve address space";
  const Garden garden;
  const fs::path out = garden.run_folder();
  const Words words = large_run(garden, "grft", out) + Words{"--no-memory-check"};
  const std::string error = run(words, with_megabytes(400)).error(1);
  EXPECT_THAT(error, HasSubstr("out of memory"));
  EXPECT_THAT(error, HasSubstr("--batch-size"));
  if (fs::exists(out)) {
    for (const auto& entry : fs::directory_iterator(out))
      EXPECT_FALSE(entry.path().filename().string().starts_with(".")) << entry.path();
  }
  EXPECT_EQ(run(words + Words{"--resume"}).status, 0) << "with enough memory it goes on";
}

/// A model of very many classes, and images to evaluate it on, in one file as MNIST has them.
class ManyClasses : public ::testing::Test {
 protected:
  static constexpr Index kOutputs = 2000;

  void SetUp() override {
    if (support::kSanitized) GTEST_SKIP() << "sanitizers need memory of their own";
    models::VitConfig sizes = small_config();
    sizes.classes = kOutputs;
    write_model(garden_.model(), small_state(sizes));
  }
  /// `eval` of that many images. They are of two classes, by their numbers.
  Words eval(int images) const {
    const std::string folder = garden_ / ("of" + std::to_string(images) + "/");
    std::string pixels("\0\0\x08\x03", 4), labels("\0\0\x08\x01", 4);
    const std::string count{static_cast<char>(images >> 24), static_cast<char>(images >> 16),
                            static_cast<char>(images >> 8), static_cast<char>(images)};
    pixels += count + std::string("\0\0\0\x04\0\0\0\x04", 8);
    labels += count;
    for (int i = 0; i < images; ++i) {
      pixels += std::string(16, static_cast<char>(i % 200));
      labels.push_back(static_cast<char>(i % 2));
    }
    for (const char* split : {"train", "t10k"}) {
      write_text(folder + split + "-images-idx3-ubyte", pixels);
      write_text(folder + split + "-labels-idx1-ubyte", labels);
    }
    return {"eval", "--model", garden_.model(), "--data", folder, "--batch-size", "32", "--threads", "2"};
  }
  std::string logits() const { return garden_ / "logits.safetensors"; }
  const Garden garden_;
};

TEST_F(ManyClasses, are_evaluated_batch_by_batch_unless_the_logits_are_to_be_written) {
  constexpr int kFew = 200, kMany = 15'200;
  constexpr double kLogitsMb = 4e-6 * kOutputs * (kMany - kFew);  // 120
  const Outcome few = run(eval(kFew)), many = run(eval(kMany));
  ASSERT_EQ(few.status, 0) << few.err;
  ASSERT_EQ(many.status, 0) << many.err;
  EXPECT_LT(many.peak_mb, few.peak_mb + kLogitsMb / 6);
  EXPECT_EQ(estimated(many), estimated(few));
  const Outcome written = run(eval(kMany) + Words{"--logits", logits()});
  ASSERT_EQ(written.status, 0) << written.err;
  EXPECT_GT(written.peak_mb, few.peak_mb + kLogitsMb * 0.9) << "or this test sees nothing";
  EXPECT_NEAR(estimated(written), estimated(many) + kLogitsMb, kLogitsMb / 20);
  EXPECT_THAT(written.err, HasSubstr("results 122 MB"));
}

TEST_F(ManyClasses, whose_logits_do_not_fit_are_refused_before_any_image_is_read) {
  const Words words = eval(100'000), dry_run{"--dry-run"};  // 800 MB of logits
  const Outcome evaluated = run(words + dry_run, with_megabytes(700));
  EXPECT_EQ(evaluated.status, 0) << evaluated.err;
  const Words with_logits = words + Words{"--logits", logits()};
  const std::string error = run(with_logits, with_megabytes(700)).error(1);
  EXPECT_THAT(error, HasSubstr("results 800 MB"));
  EXPECT_THAT(error, HasSubstr("leave out --logits"));
  EXPECT_EQ(run(with_logits + dry_run + Words{"--no-memory-check"}, with_megabytes(700)).status, 0);
  EXPECT_FALSE(fs::exists(logits()));
}

/// Resident bytes of a process; 0 when it is over.
std::size_t resident_bytes(int process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/statm");
  std::size_t all = 0, resident = 0;
  file >> all >> resident;
  return resident * 4096;
}

TEST(ResidentMemory, is_flat_over_two_hundred_epochs) {
  if (support::kSanitized) GTEST_SKIP() << "sanitizers keep freed memory";
  const Garden garden;
  const fs::path out = garden.run_folder();
  Background tune(
      Words{"tune"} + garden.job("grft") +
      Words{"--epochs", "200", "--augment", "fgvc", "--ema", "0.9", "--mixup", "0.2", "--out", out});
  const auto bytes_after_epoch = [&](const std::string& epoch) {
    wait_for_line(tune, out, "\"eval\",\"epoch\":" + epoch + ",");
    return resident_bytes(tune.process());
  };
  const std::size_t early = bytes_after_epoch("20"), late = bytes_after_epoch("195");
  EXPECT_GT(early, 0u);
  EXPECT_GT(late, 0u) << "the run was over too soon";
  EXPECT_LT(late, early + 1'000'000) << "grew from " << early << " bytes";
  EXPECT_EQ(tune.wait(), 0);
}

}  // namespace
}  // namespace end_to_end
