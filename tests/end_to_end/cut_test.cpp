#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/end_to_end/garden.h"

namespace end_to_end {
namespace {

/// A run on images that were in no splits, cut otherwise than by default.
class DeltaOfACut : public Garden {
 public:
  DeltaOfACut() {
    fs::rename(data(), path() / "splits");
    fs::rename(path() / "splits/train", data());
    tune("linear", {"--seed", "3", "--val-split", "0.3", "--test-split", "0.3"});
    fs::copy(run_folder() + "/delta.safetensors", *this / "alone.safetensors");
  }
  Outcome eval(const std::string& delta, const Words& more = {}) const {
    return run(Words{"eval", "--json", "--model", model(), "--data", data(), "--delta", delta} + more);
  }
};

TEST(CutOfADelta, is_found_beside_it_and_another_is_noted) {
  const DeltaOfACut garden;
  const double loss = read_json(garden.run_folder() + "/result.json")["test"]["loss"];
  const std::string other = "is cut otherwise than for the run that the delta is of";
  const Outcome beside = garden.eval(garden.run_folder() + "/delta.safetensors");
  EXPECT_EQ(beside.json()["loss"], loss);
  EXPECT_FALSE(beside.noted(other));
  EXPECT_TRUE(garden.eval(garden / "alone.safetensors").noted(other));
  const Outcome same =
      garden.eval(garden / "alone.safetensors", {"--seed", "3", "--val-split", "0.3", "--test-split", "0.3"});
  EXPECT_EQ(same.json()["loss"], loss);
  EXPECT_FALSE(same.noted(other));
}

}  // namespace
}  // namespace end_to_end
