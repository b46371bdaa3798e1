// What is looked at before long work, and how a command tells of what is bad.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/io/safetensors.h"
#include "tests/end_to_end/long_run.h"

namespace end_to_end {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(AListedFile, that_is_not_there_is_missed_before_training) {
  const Garden garden;
  write_text(garden / "train.txt", "train/red/00.ppm 0\ntrain/blue/00.ppm 1\ntrain/red/01.ppm 0\n");
  write_text(garden / "test.txt", "test/red/40.ppm 0\ntest/red/none.ppm 0\ntest/blue/none.ppm 1\n");
  const Words words{"tune",
                    "--model",
                    garden.model(),
                    "--method",
                    "linear",
                    "--train-list",
                    garden / "train.txt",
                    "--test-list",
                    garden / "test.txt",
                    "--data-root",
                    garden.data(),
                    "--batch-size",
                    "2",
                    "--out",
                    garden.run_folder()};
  const std::string error = run(words).error(1);
  EXPECT_THAT(error, AllOf(HasSubstr("none.ppm"), HasSubstr("2 of the 3 images of test")));
  EXPECT_FALSE(fs::exists(garden.run_folder())) << "nothing was trained";
  EXPECT_EQ(run(words + Words{"--no-test"}).status, 0) << "it is not used";
}

TEST(Predict, prints_as_it_goes_names_the_bad_and_ends_with_status_1) {
  const Garden garden;
  garden.tune("grft");
  const std::string good = garden.data() + "/test/red/40.ppm", bad = garden / "bad.ppm";
  write_text(bad, "none");
  const Words words{"predict", "--model", garden.model(), "--delta",
                    garden.run_folder() + "/delta.safetensors"};
  const Outcome outcome = run(words + Words{good, bad, good});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.out.find(good), 0u);
  EXPECT_NE(outcome.out.rfind(good), 0u) << "the one behind the bad one, too";
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("skipped " + bad), HasSubstr("espalier: 1 of 3 images")));
  const Outcome json = run(words + Words{"--json", good, bad, good});
  EXPECT_EQ(json.status, 1);
  const Json all = Json::parse(json.out);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all.dump(2) + "\n", json.out);
  EXPECT_EQ(run(words + Words{"--json", bad}).out, "[]\n");
}

TEST(Predict, takes_what_stands_behind_two_dashes_for_files) {
  const Garden garden;
  garden.tune("grft");
  fs::copy(garden.data() + "/test/red/40.ppm", garden / "--json");
  const Outcome outcome = run({"predict", "--model", garden.model(), "--delta",
                               garden.run_folder() + "/delta.safetensors", "--", "--json"},
                              {.folder = garden.path()});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out.find("--json\n"), 0u) << outcome.out;
}

TEST(DryRun, checks_and_writes_nothing) {
  const Garden garden;
  const Words job = garden.job("grft");
  const Outcome tune = run(Words{"tune", "--dry-run", "--out", garden.run_folder()} + job);
  EXPECT_EQ(tune.status, 0) << tune.err;
  EXPECT_THAT(tune.out, HasSubstr("all checks passed"));
  EXPECT_FALSE(fs::exists(garden / "runs/run"));
  EXPECT_THAT(
      run(Words{"tune", "--dry-run", "--batch-size=100", "--model", garden.model(), "--data", garden.data()})
          .error(1),
      HasSubstr("--batch-size"));
  EXPECT_EQ(run(Words{"select", "--dry-run", "--out", garden / "s"} + job).status, 0);
  EXPECT_FALSE(fs::exists(garden.path() / "s"));
  garden.tune("grft");
  const Words tuned{"--model", garden.model(), "--delta", garden.run_folder() + "/delta.safetensors"};
  const std::vector<Words> all{{"eval", "--data", garden.data(), "--logits", garden / "l"},
                               {"merge", "--out", garden / "m"},
                               {"predict", garden.data() + "/test/red/40.ppm"}};
  for (const Words& words : all) {
    const Outcome outcome = run(words + tuned + Words{"--dry-run"});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_THAT(outcome.out, HasSubstr("all checks passed"));
  }
  EXPECT_FALSE(fs::exists(garden.path() / "l") || fs::exists(garden.path() / "m"));
}

TEST(Strict, makes_a_note_an_error) {
  const Garden garden;
  const Words words = Words{"tune", "--out", garden.run_folder(), "--epochs", "1"} + garden.job("linear");
  EXPECT_THAT(run(words + Words{"--strict"}).error(1), AllOf(HasSubstr("no config"), HasSubstr("--strict")));
  EXPECT_FALSE(fs::exists(garden.path() / "runs/run"));
  const Outcome outcome = run(words + Words{"--strict", "--mean", "0.5,0.5,0.5", "--std", "0.5,0.5,0.5",
                                            "--interpolation", "bicubic", "--resize", "squash"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
}

TEST(Contrast, of_single_images_is_refused_before_scoring) {
  const Garden garden;
  Words words = Words{"tune", "--out", garden.run_folder()} + garden.job("gps");
  *(std::ranges::find(words, "--batch-size") + 1) = "1";
  const Outcome outcome = run(words);
  EXPECT_THAT(outcome.error(2), AllOf(HasSubstr("--batch-size 1"), HasSubstr("two")));
  EXPECT_THAT(outcome.err, Not(HasSubstr("score 1/")));
  EXPECT_EQ(run(words + Words{"--score", "ce", "--steps", "1"}).status, 0);
}

TEST(Contrast, of_images_that_are_all_alike_has_nothing_to_choose_by) {
  const Garden garden;
  for (const char* name : {"a", "b", "c"})
    for (int i = 0; i < 4; ++i)
      write_text(garden / ("alike/train/" + std::string(name) + "/" + std::to_string(i) + ".ppm"),
                 image(0, 7));
  for (const Words& how : {Words{"grft"},
                           {"gps"},
                           {"sift", "--score", "supcon"},
                           {"gps", "--score-candidates", "2"},
                           {"grft", "--score-sketch", "2"},
                           {"grft", "--score-batches", "auto"}}) {
    const Words select{"select",       "--model", garden.model(),    "--data", garden / "alike",
                       "--batch-size", "4",       "--score-augment", "none",   "--method"};
    EXPECT_THAT(run(select + how).error(1), HasSubstr("nothing to choose by")) << how.front();
  }
}

TEST(InitHead, of_a_head_that_is_kept_is_refused) {
  const Garden garden;
  write_images(garden.path() / "five/train", {"a", "b", "c", "d", "e"}, 3);
  const Words words{"tune",     "--model", garden.model(),      "--data",      garden / "five",
                    "--method", "linear",  "--batch-size",      "5",           "--epochs",
                    "1",        "--out",   garden.run_folder(), "--init-head", "zeros"};
  EXPECT_THAT(run(words).error(2), AllOf(HasSubstr("--init-head zeros"), HasSubstr("--head new")));
  EXPECT_EQ(run(words + Words{"--head", "new"}).status, 0);
}

TEST(AClassWithoutImages, has_no_accuracy) {
  const Garden garden;
  garden.tune("grft");
  fs::remove_all(garden.data() + "/test/green");
  const Words words{
      "eval",   "--model",    garden.model(), "--delta", garden.run_folder() + "/delta.safetensors",
      "--data", garden.data()};
  const Json json = run(words + Words{"--json"}).json();
  EXPECT_TRUE(json["per_class"]["green"].is_null());
  EXPECT_TRUE(json["per_class"]["red"].is_number());
  EXPECT_THAT(run(words).out, HasSubstr("-       -       -       0  green"));
}

TEST(Names, of_strangers_do_not_reach_the_terminal) {
  const Garden garden;
  const std::string bad = garden / "bad.safetensors";
  const engine::Tensor tensor = engine::Tensor::zeros({1});
  engine::write_safetensors(bad,
                            {{"a\x1b[31mb\x7f"
                              "c\xc2\x9b"
                              "d\xc3\xa9",
                              tensor}},
                            {{"k\x1b]0;x\x07", "v\xc2\x9bz\x7f"}});
  for (const Words& more : {Words{}, Words{"--json"}}) {
    const Outcome outcome = run(Words{"inspect", bad} + more);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    for (const char* control : {"\x1b", "\x7f", "\xc2\x9b", "\x07"})
      EXPECT_THAT(outcome.out, Not(HasSubstr(control))) << more.size();
    EXPECT_THAT(outcome.out, HasSubstr("d\xc3\xa9")) << "what is text stays";
  }
  const Json described = Json::parse(run({"inspect", bad, "--json"}).out);
  EXPECT_TRUE(
      described["tensors"].contains("a\x1b[31mb\x7f"
                                    "c\xc2\x9b"
                                    "d\xc3\xa9"));
  const std::string error =
      run({"eval", "--model", garden / "no\x1b\x7f\xc2\x9bmodel", "--data", "x"}).error(1);
  EXPECT_THAT(error, AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\x7f")), Not(HasSubstr("\xc2\x9b"))));
}

TEST(Names, of_files_and_of_a_strangers_run_do_not_reach_the_terminal) {
  const Garden garden;
  const std::string codes = "r\x1b[31m\x7f\xc2\x9b";
  const auto safe = [](const Outcome& outcome) {
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    for (const char* control : {"\x1b", "\x7f", "\xc2\x9b"})
      for (const std::string& text : {outcome.out, outcome.err}) EXPECT_THAT(text, Not(HasSubstr(control)));
  };
  const std::string out = garden / codes;
  safe(run(Words{"tune", "--out", out, "--epochs", "1"} + garden.job("linear")));
  safe(run({"report", out}));
  const Words tuned{"--model", garden.model(), "--delta", out + "/delta.safetensors"};
  safe(run(Words{"merge", "--out", garden / (codes + ".safetensors")} + tuned));
  write_text(garden / ("data/test/red/" + codes + ".ppm"), "no image");
  safe(run(Words{"eval", "--data", garden.data(), "--on-bad-image", "skip"} + tuned));
  Json result = read_json(fs::path(out) / "result.json");
  result["val"]["top1"] = codes;
  write_text(fs::path(out) / "result.json", result.dump());
  safe(run({"inspect", out}));
}

TEST(Inference, that_needs_more_memory_than_there_is_is_refused_before_it_begins) {
  const Garden garden;
  garden.tune("grft");
  const Words tuned{"--model", garden.model(), "--delta", garden.run_folder() + "/delta.safetensors"};
  const std::string error =
      run(Words{"eval", "--data", garden.data(), "--image-size", "1024", "--batch-size", "10000000"} + tuned)
          .error(1);
  EXPECT_THAT(error, AllOf(HasSubstr("more memory"), HasSubstr("--no-memory-check")));
}

TEST(HelpAll, of_the_program_is_answered) {
  const Outcome outcome = run({"--help-all"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out,
              AllOf(HasSubstr("Commands:"), HasSubstr("--interpolation"), HasSubstr("--strict")));
}

}  // namespace
}  // namespace end_to_end
