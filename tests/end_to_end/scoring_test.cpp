#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>

#include "tests/end_to_end/garden.h"

namespace end_to_end {
namespace {

/// The gradients that `select` sums up, as the bytes of their file behind its header, which says how they
/// were made.
std::string gradients(const Garden& garden, const std::string& data, const Words& more) {
  const std::string file = garden / "gradients";
  const Outcome outcome = run(Words{"select", "--model", garden.model(), "--data", data, "--method", "grft",
                                    "--batch-size", "6", "--gradients", file} +
                              more);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  const std::string all = read_text(file);
  std::uint64_t header = 0;
  std::memcpy(&header, all.data(), sizeof header);
  return all.substr(sizeof header + header);
}

/// The contrastive loss does not look at the head, so a data set with fewer classes gives the same gradients.
TEST(Scoring, with_the_first_classes_is_scoring_of_a_data_set_that_has_no_others) {
  const Garden garden;
  const fs::path fewer = garden / "fewer";
  for (const char* name : {"blue", "green"}) {
    fs::create_directories(fewer / "train");
    fs::copy(fs::path(garden.data()) / "train" / name, fewer / "train" / name, fs::copy_options::recursive);
  }
  const std::string some = gradients(garden, garden.data(), {"--score-classes", "2"});
  EXPECT_EQ(some, gradients(garden, fewer.string(), {}));
  EXPECT_NE(some, gradients(garden, garden.data(), {}));
}

TEST(Scoring, with_small_images_is_scoring_of_a_model_for_small_images) {
  const Garden garden;
  const std::string small = gradients(garden, garden.data(), {"--score-image-size", "8"});
  EXPECT_EQ(small, gradients(garden, garden.data(), {"--image-size", "8"}));
  EXPECT_NE(small, gradients(garden, garden.data(), {}));
}

}  // namespace
}  // namespace end_to_end
