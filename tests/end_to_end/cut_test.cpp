#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/end_to_end/garden.h"

namespace end_to_end {
namespace {

using ::testing::HasSubstr;

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
  const std::string other = "is cut otherwise than the images of the run that the model is of";
  const Outcome beside = garden.eval(garden.run_folder() + "/delta.safetensors");
  EXPECT_EQ(beside.json()["loss"], loss);
  EXPECT_FALSE(beside.noted(other));
  EXPECT_TRUE(garden.eval(garden / "alone.safetensors").noted(other));
  const Outcome same =
      garden.eval(garden / "alone.safetensors", {"--seed", "3", "--val-split", "0.3", "--test-split", "0.3"});
  EXPECT_EQ(same.json()["loss"], loss);
  EXPECT_FALSE(same.noted(other));
}

TEST(CutOfADelta, is_known_to_what_is_made_of_it) {
  const DeltaOfACut garden;
  const Words base{"--model", garden.model(), "--delta", garden / "alone.safetensors"};
  ASSERT_EQ(run(Words{"merge", "--out", garden / "merged.safetensors"} + base).status, 0);
  EXPECT_TRUE(run({"eval", "--model", garden / "merged.safetensors", "--data", garden.data()})
                  .noted("is cut otherwise"));
}

TEST(CutOfADelta, is_the_same_for_any_order_of_classes) {
  const DeltaOfACut garden;
  garden.tune("linear",
              {"--seed", "3", "--val-split", "0.3", "--test-split", "0.3", "--class-order", "natural"},
              "natural");
  EXPECT_EQ(read_text(garden.run_folder() + "/split.csv"),
            read_text(garden.run_folder("natural") + "/split.csv"));
  EXPECT_FALSE(garden.eval(garden.run_folder("natural") + "/delta.safetensors").noted("is cut otherwise"));
}

TEST(ListOfACut, is_taken_as_a_list_of_all_splits_and_not_of_one) {
  const DeltaOfACut garden;
  const std::string list = garden.run_folder() + "/split.csv";
  const Words eval = Words{"eval", "--model", garden.model(), "--delta", garden / "alone.safetensors"};
  EXPECT_THAT(run(eval + Words{"--test-list", list, "--data-root", garden.data()}).error(1),
              HasSubstr("split.csv: has a column split; as --train-list it is every split"));
  const double loss = read_json(garden.run_folder() + "/result.json")["test"]["loss"];
  EXPECT_EQ(run(eval + Words{"--json", "--train-list", list, "--data-root", garden.data()}).json()["loss"],
            loss);
  EXPECT_THAT(run(eval + Words{"--data", list}).error(1),
              HasSubstr("its paths are relative to its folder; --train-list"));
}

TEST(Splits, that_share_an_image_are_noted) {
  const Garden garden;
  write_text(garden / "data/train.txt", "train/red/00.ppm 0\ntrain/blue/00.ppm 1\n");
  write_text(garden / "data/test.txt", "test/red/40.ppm 0\n./train/red/00.ppm 0\n");
  const Outcome outcome =
      run({"tune", "--model", garden.model(), "--train-list", garden / "data/train.txt", "--test-list",
           garden / "data/test.txt", "--data-root", garden.data(), "--method", "linear", "--steps", "1",
           "--batch-size", "2", "--out", garden.run_folder()});
  EXPECT_TRUE(outcome.noted("note: 1 image is in train and in test, such as ")) << outcome.err;
}

}  // namespace
}  // namespace end_to_end
