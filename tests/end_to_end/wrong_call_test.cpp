// A wrong call: one line with what would be right, exit status 2.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/end_to_end/garden.h"

namespace end_to_end {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int kFailed = 1, kCalledWrongly = 2;

TEST(WrongCall, without_a_command_names_the_commands) {
  EXPECT_THAT(run({}).error(kCalledWrongly), HasSubstr("tune, select"));
}

TEST(WrongCall, of_an_unknown_command_names_the_nearest) {
  EXPECT_THAT(run({"tuen"}).error(kCalledWrongly), HasSubstr("'tuen'; did you mean tune"));
  EXPECT_THAT(run({"predcit"}).error(kCalledWrongly), HasSubstr("did you mean predict"));
}

TEST(WrongCall, with_an_unknown_option_names_the_nearest) {
  EXPECT_THAT(run({"tune", "--epoch", "3"}).error(kCalledWrongly),
              AllOf(HasSubstr("'--epoch'"), HasSubstr("--epochs")));
  EXPECT_THAT(run({"eval", "--dleta=x"}).error(kCalledWrongly),
              AllOf(HasSubstr("'--dleta'"), HasSubstr("--delta")));
  EXPECT_THAT(run({"count", "-k", "2"}).error(kCalledWrongly), HasSubstr("'-k'"));
}

TEST(WrongCall, with_a_line_break_in_it_is_still_one_line) {
  EXPECT_THAT(run({"tu\nne\r"}).error(kCalledWrongly), HasSubstr("'tu ne '"));
  const Garden garden;
  EXPECT_THAT(run({"eval", "--model", "no\nmodel", "--data", garden.data()}).error(kFailed),
              HasSubstr("no such file"));
}

/// Words behind a sound job that make it a wrong call, and what the error must name.
struct WrongWords {
  const char* name;
  const char* method;
  Words words;
  Words named;
};
void PrintTo(const WrongWords& w, std::ostream* os) {
  *os << w.name;
}

class WrongTune : public ::testing::TestWithParam<WrongWords> {};

TEST_P(WrongTune, is_refused_by_name_and_leaves_nothing) {
  const Garden garden;
  const std::string error = run(Words{"tune"} + garden.job(GetParam().method) +
                                Words{"--out", garden.run_folder()} + GetParam().words)
                                .error(kCalledWrongly);
  for (const std::string& name : GetParam().named) EXPECT_THAT(error, HasSubstr(name));
  EXPECT_FALSE(fs::exists(garden.run_folder()));
}

INSTANTIATE_TEST_SUITE_P(
    , WrongTune,
    ::testing::Values(
        WrongWords{"unknown_method", "gprs", {}, {"'gprs'", "gps"}},
        WrongWords{"unknown_target",
                   "grft",
                   {"--targets", "blocks.*.attn.qvk.weight"},
                   {"blocks.*.attn.qvk.weight", "blocks.0.attn.qkv.weight"}},
        WrongWords{"target_in_the_head", "grft", {"--targets", "head.weight"}, {"head.weight"}},
        WrongWords{"k_of_zero", "grft", {"--k", "0"}, {"--k", "0"}},
        WrongWords{"k_below_zero", "gps", {"--k", "-1"}, {"--k", "-1"}},
        WrongWords{"k_beyond_every_matrix", "grft", {"--k", "1000"}, {"--k", "1000"}},
        WrongWords{"k_beyond_every_neuron", "gps", {"--k", "1000"}, {"--k", "1000"}},
        WrongWords{"k_that_is_no_number", "gps", {"--k", "two"}, {"--k", "'two'"}},
        WrongWords{"rate_of_zero", "sift", {"--rate", "0"}, {"--rate", "(0, 1]"}},
        WrongWords{"rate_above_one", "sift", {"--rate", "1.5"}, {"--rate", "(0, 1]"}},
        WrongWords{"rate_that_is_no_number", "sift", {"--rate", "nan"}, {"--rate"}},
        WrongWords{"option_of_another_method", "gps", {"--rate", "0.1"}, {"gps", "--rate"}},
        WrongWords{"option_of_a_method_for_none", "full", {"--k", "2"}, {"full", "--k"}},
        WrongWords{"epochs_of_zero", "linear", {"--epochs", "0"}, {"--epochs", "1"}},
        WrongWords{"learning_rate_of_zero", "linear", {"--lr", "0"}, {"--lr"}},
        WrongWords{"learning_rate_below_zero", "linear", {"--lr", "-0.1"}, {"--lr", "-0.1"}},
        WrongWords{"learning_rate_that_is_infinite", "linear", {"--lr", "inf"}, {"--lr"}},
        WrongWords{"momentum_of_one", "linear", {"--optimizer", "sgd", "--momentum", "1"}, {"--momentum"}},
        WrongWords{"momentum_with_adam", "linear", {"--momentum", "0.9"}, {"--momentum", "sgd"}},
        WrongWords{"unknown_optimizer", "linear", {"--optimizer", "lamb"}, {"--optimizer", "sgd|adam|adamw"}},
        WrongWords{"unknown_schedule", "linear", {"--schedule", "step"}, {"--schedule", "cosine"}},
        WrongWords{"unknown_augmentation", "linear", {"--augment", "simclr"}, {"--augment", "vtab"}},
        WrongWords{"unknown_axis", "grft", {"--axis", "rows"}, {"--axis", "row"}},
        WrongWords{"temperature_of_zero", "grft", {"--temperature", "0"}, {"--temperature"}},
        WrongWords{"epochs_and_steps", "linear", {"--epochs", "1", "--steps", "2"}, {"--epochs", "--steps"}},
        WrongWords{
            "resume_and_overwrite", "linear", {"--resume", "--overwrite"}, {"--resume", "--overwrite"}},
        WrongWords{"best_on_val_that_is_trained_on",
                   "linear",
                   {"--keep", "best", "--on", "train+val"},
                   {"--keep best", "--on train"}},
        WrongWords{"end_above_the_begin", "linear", {"--lr", "0.1", "--min-lr", "0.2"}, {"--min-lr", "--lr"}},
        WrongWords{
            "model_and_architecture", "linear", {"--arch", "vit_tiny_patch16_224"}, {"--model", "--arch"}},
        WrongWords{"folder_and_list", "linear", {"--train-list", "list.txt"}, {"--data", "--train-list"}},
        WrongWords{"two_numbers_of_three", "linear", {"--mean", "0.5,0.5"}, {"--mean", "a,b,c"}},
        WrongWords{"std_of_zero", "linear", {"--std", "0.5,0,0.5"}, {"std"}},
        WrongWords{"image_size_that_patches_do_not_fill", "linear", {"--image-size", "17"}, {"17", "8"}},
        WrongWords{"image_size_beyond_all", "linear", {"--image-size", "100000"}, {"--image-size"}},
        WrongWords{"seed_below_zero", "full", {"--seed", "-1"}, {"--seed"}},
        WrongWords{"workers_beyond_all", "linear", {"--workers", "100000"}, {"--workers"}},
        WrongWords{
            "save_every_beyond_all", "linear", {"--save-every", "99999999999999999999"}, {"--save-every"}},
        WrongWords{"option_without_its_value", "linear", {"--lr"}, {"--lr"}},
        WrongWords{"option_twice", "linear", {"--lr", "1", "--lr", "2"}, {"--lr"}},
        WrongWords{"word_that_belongs_nowhere", "linear", {"images"}, {"'images'"}},
        WrongWords{
            "head_to_keep_with_other_classes", "linear", {"--head", "keep"}, {"--head keep", "5", "3"}}),
    [](const auto& w) { return std::string(w.param.name); });

TEST(WrongCall, with_numbers_out_of_range_that_every_job_has) {
  const Garden garden;
  const Words words{"tune", "--model", garden.model(), "--data", garden.data(), "--out", garden.run_folder()};
  for (const char* option : {"--batch-size", "--threads", "--grad-accum", "--steps", "--eval-every"}) {
    for (const char* value : {"0", "-3", "x", "", "1e3", "99999999999999"})
      EXPECT_THAT(run(words + Words{option, value}).error(kCalledWrongly), HasSubstr(option)) << value;
  }
}

TEST(WrongCall, without_what_is_needed_names_it) {
  const Garden garden;
  const Words model{"--model", garden.model()}, data{"--data", garden.data()};
  EXPECT_THAT(run(Words{"tune"} + data).error(kCalledWrongly), HasSubstr("--model"));
  EXPECT_THAT(run(Words{"tune"} + model).error(kCalledWrongly), HasSubstr("--data"));
  EXPECT_THAT(run(Words{"select"} + model).error(kCalledWrongly), HasSubstr("--data"));
  EXPECT_THAT(run(Words{"eval"} + data).error(kCalledWrongly), HasSubstr("--model"));
  EXPECT_THAT(run(Words{"eval"} + model).error(kCalledWrongly), HasSubstr("--data"));
  EXPECT_THAT(run(Words{"predict"} + model).error(kCalledWrongly), HasSubstr("image"));
  EXPECT_THAT(run({"predict", "a.ppm"}).error(kCalledWrongly), HasSubstr("--model"));
  EXPECT_THAT(run(Words{"merge"} + model).error(kCalledWrongly),
              AllOf(HasSubstr("--delta"), HasSubstr("--out")));
  EXPECT_THAT(run({"count", "--classes", "3"}).error(kCalledWrongly), HasSubstr("--arch"));
  EXPECT_THAT(run({"count", "--arch", "vit_tiny_patch16_224"}).error(kCalledWrongly), HasSubstr("--classes"));
  EXPECT_THAT(run({"inspect"}).error(kCalledWrongly), HasSubstr("file"));
  EXPECT_THAT(run(Words{"tune", "--train-list", "list.txt"} + model).error(kCalledWrongly),
              HasSubstr("--data-root"));
}

TEST(WrongCall, of_other_commands_names_the_nearest) {
  EXPECT_THAT(run({"count", "--arch", "vit_tiny_patch16_244", "--classes", "3"}).error(kCalledWrongly),
              HasSubstr("vit_tiny_patch16_224"));
  EXPECT_THAT(run({"methods", "grtf"}).error(kCalledWrongly), HasSubstr("grft"));
  const Garden garden;
  EXPECT_THAT(run({"eval", "--model", garden.model(), "--data", garden.data(), "--split", "tset"})
                  .error(kCalledWrongly),
              HasSubstr("train|val|test"));
  EXPECT_THAT(run(Words{"select"} + garden.job("linear")).error(kCalledWrongly),
              AllOf(HasSubstr("linear"), HasSubstr("grft")));
  EXPECT_THAT(run({"count", "--arch", "vit_tiny_patch16_224", "--classes", "3", "--targets", "block.*"})
                  .error(kCalledWrongly),
              HasSubstr("block.*"));
}

TEST(WrongCall, with_an_output_that_is_an_input_or_another_output_leaves_the_files_as_they_were) {
  const Garden garden;
  garden.tune("grft");
  const std::string delta = garden.run_folder() + "/delta.safetensors", both = garden / "both.safetensors";
  const Words base_and_delta{"--model", garden.model(), "--delta", delta};
  const Words eval = Words{"eval", "--data", garden.data()} + base_and_delta;
  const Words merge = Words{"merge"} + base_and_delta, select = Words{"select"} + garden.job("gps");
  const std::string before = read_text(garden.model()) + read_text(delta);
  fs::create_symlink(delta, garden / "link.safetensors");
  const std::vector<std::pair<Words, const char*>> calls{
      {merge + Words{"--out", delta}, "--delta"},
      {merge + Words{"--out", garden.run_folder() + "/../run/delta.safetensors"}, "--delta"},
      {merge + Words{"--out", garden / "link.safetensors"}, "--delta"},
      {merge + Words{"--out", garden.model()}, "--model"},
      {eval + Words{"--logits", garden.model()}, "--model"},
      {eval + Words{"--logits", delta}, "--delta"},
      {select + Words{"--out", garden.model()}, "--model"},
      {select + Words{"--out", both, "--gradients", both}, "--out"}};
  for (const auto& [call, named] : calls) EXPECT_THAT(run(call).error(kCalledWrongly), HasSubstr(named));
  EXPECT_TRUE(read_text(garden.model()) + read_text(delta) == before);
  EXPECT_FALSE(fs::exists(both));
}

}  // namespace
}  // namespace end_to_end
