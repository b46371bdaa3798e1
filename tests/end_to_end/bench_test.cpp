#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/end_to_end/program.h"

namespace end_to_end {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kCalledWrongly = 2;

/// A small benchmark of one kind.
Words bench(const std::string& kind, const Words& more = {}) {
  return Words{"bench", kind,        "--arch", "vit_demo_patch4_28", "--batch",
               "4",     "--repeats", "2",      "--threads",          "1"} +
         more;
}

Json bench_json(const std::string& kind, const Words& more = {}) {
  return run(bench(kind, more) + Words{"--json"}).json();
}

double number(const Json& object, const std::string& name) {
  const double value = object.at(name).get<double>();
  EXPECT_TRUE(std::isfinite(value)) << name;
  EXPECT_GE(value, 0) << name;
  return value;
}

/// What holds whatever is benchmarked.
void expect_consistent(const Json& r) {
  const double seconds = number(r, "seconds");
  EXPECT_GT(seconds, 0);
  EXPECT_NEAR(number(r, "images_per_s") * seconds, r["batch"].get<double>(), 1e-6);
  EXPECT_GT(number(r, "gflops"), 0);
  EXPECT_GT(number(r, "fma_peak_gflops"), 0);
  EXPECT_NEAR(number(r, "peak_share") * number(r, "fma_peak_gflops"), number(r, "gflops"), 1e-6);
  for (const auto& [name, value] : r["phases"].items()) number(r["phases"], name);
  EXPECT_THAT(keys(r["memory_mb"]), ElementsAre("weights", "gradients", "optimizer", "activations"));
  EXPECT_GT(number(r["memory_mb"], "weights"), 0);
  EXPECT_GT(number(r["memory_mb"], "activations"), 0);
  EXPECT_GT(number(r, "peak_mb"), number(r["memory_mb"], "weights"));
  EXPECT_EQ(r["arch"], "vit_demo_patch4_28");
  EXPECT_EQ(r["batch"], 4);
  EXPECT_EQ(r["repeats"], 2);
  EXPECT_EQ(r["threads"], 1);
  EXPECT_FALSE(r["instruction_set"].get<std::string>().empty());
  EXPECT_THAT(r["caches"].get<std::string>(), HasSubstr("ways"));
}

TEST(Bench, times_inference) {
  const Json r = bench_json("infer");
  expect_consistent(r);
  EXPECT_EQ(r["method"], "none");
  EXPECT_THAT(keys(r["phases"]), ElementsAre("forward"));
  EXPECT_EQ(r["memory_mb"]["gradients"], 0);
  EXPECT_EQ(r["memory_mb"]["optimizer"], 0);
}

TEST(Bench, times_a_step_of_every_method) {
  for (const char* method : {"full", "linear", "bitfit", "grft", "gps", "sift"}) {
    const Json r = bench_json("step", {"--method", method});
    expect_consistent(r);
    EXPECT_EQ(r["method"], method);
    EXPECT_THAT(keys(r["phases"]),
                ElementsAre("forward", "backward", "weight_gradients", "penalty", "optimizer"));
    EXPECT_GT(number(r["phases"], "weight_gradients"), 0) << "the head's at least";
    EXPECT_GE(number(r["phases"], "backward"), number(r["phases"], "weight_gradients")) << "is inside it";
    const Json& m = r["memory_mb"];
    EXPECT_GT(m["gradients"], 0) << method;
    EXPECT_NEAR(number(m, "optimizer"), 2 * number(m, "gradients"), 1e-9) << "two moments of every value";
    const Json count =
        run({"count", "--arch", "vit_demo_patch4_28", "--classes", "10", "--method", method, "--json"})
            .json();
    EXPECT_NEAR(number(m, "gradients"), count["trainable"].get<double>() * 4 / 1e6, 1e-9) << method;
    EXPECT_NEAR(number(m, "weights"), count["total"].get<double>() * 4 / 1e6, 1e-9) << method;
  }
}

TEST(Bench, times_scoring_by_every_loss) {
  for (const Words& how : {Words{}, Words{"--score-augment", "none"}, Words{"--score", "ce"}}) {
    const Json r = bench_json("score", Words{"--method", "grft"} + how);
    expect_consistent(r);
    EXPECT_THAT(keys(r["phases"]), ElementsAre("forward", "backward", "weight_gradients", "select"));
    EXPECT_GT(r["memory_mb"]["gradients"], bench_json("step")["memory_mb"]["gradients"])
        << "whole gradients are more than selected ones";
    EXPECT_EQ(r["memory_mb"]["optimizer"], 0);
  }
}

TEST(Bench, lets_a_method_compute_a_loss_again) {
  for (const char* kind : {"step", "score"})
    expect_consistent(bench_json(kind, {"--method", "sam", "--probes", "1"}));
}

TEST(Bench, takes_the_options_of_the_method_and_the_model) {
  const Json narrow = bench_json("step", {"--method", "grft", "--k", "1"});
  const Json wide = bench_json("step", {"--method", "grft", "--k", "8"});
  EXPECT_LT(narrow["memory_mb"]["gradients"], wide["memory_mb"]["gradients"]);
  const Json small = bench_json("infer"), large = bench_json("infer", {"--image-size", "56"});
  EXPECT_LT(small["memory_mb"]["activations"], large["memory_mb"]["activations"]);
  EXPECT_LT(small["memory_mb"]["weights"], bench_json("infer", {"--classes", "500"})["memory_mb"]["weights"]);
}

TEST(Bench, computes_and_keeps_less_where_patches_are_left_out) {
  for (const Words& of : {Words{"step"}, Words{"score"}, Words{"score", "--score-augment", "none"}}) {
    SCOPED_TRACE(of.back());
    const Words more(of.begin() + 1, of.end());
    const Json all = bench_json(of[0], more), half = bench_json(of[0], more + Words{"--patch-drop", "0.5"});
    EXPECT_EQ(all["patch_drop"], 0);
    EXPECT_EQ(half["patch_drop"], 0.5);
    const auto gflop = [](const Json& r) { return number(r, "gflops") * number(r, "seconds"); };
    // 24 of 49 patches, and the class token; with views that differ by their patches alone, twice as many.
    const double share = more.empty() ? 25.0 / 50 : 1;
    EXPECT_LT(gflop(half), 1.02 * share * gflop(all));
    EXPECT_LT(number(half["memory_mb"], "activations"),
              1.2 * share * number(all["memory_mb"], "activations"));
    EXPECT_EQ(half["memory_mb"]["gradients"], all["memory_mb"]["gradients"]);
  }
  EXPECT_THAT(run(bench("infer", {"--patch-drop", "0.5"})).error(kCalledWrongly),
              HasSubstr("--patch-drop needs step or score"));
}

TEST(Bench, shows_a_roofline_when_asked) {
  const Json without = bench_json("infer");
  EXPECT_FALSE(without.contains("roofline"));
  EXPECT_FALSE(without.contains("bandwidth_gb_s"));
  const Json r = bench_json("infer", {"--roofline"});
  expect_consistent(r);
  EXPECT_GT(number(r, "bandwidth_gb_s"), 0);
  double seconds = 0, gflop = 0;
  for (const Json& row : r["roofline"]) {
    EXPECT_THAT(keys(row), ElementsAre("kind", "shape", "calls", "seconds", "share", "multiply_adds",
                                       "gflops", "peak_share", "mb", "gb_s", "bandwidth_share"));
    seconds += number(row, "seconds");
    gflop += number(row, "gflops") * number(row, "seconds");
  }
  EXPECT_NEAR(seconds, number(r, "seconds"), 1e-9);
  EXPECT_NEAR(gflop, number(r, "gflops") * number(r, "seconds"), 1e-9);
  EXPECT_EQ(r["roofline"].back()["kind"], "everything else");
  EXPECT_THAT(run(bench("infer", {"--roofline"})).out,
              AllOf(HasSubstr("memory gives"), HasSubstr("% of peak"), HasSubstr("everything else")));
  EXPECT_THAT(run(bench("infer")).out, Not(HasSubstr("everything else")));
}

TEST(Bench, prints_lines_for_people) {
  const Outcome outcome = run(bench("step"));
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr(" s a step"), HasSubstr(" images/s"), HasSubstr(" GFLOP/s"),
                                 HasSubstr("of which weight gradients"), HasSubstr("peak memory"),
                                 HasSubstr("activations")));
}

TEST(WrongBench, names_what_would_be_right) {
  const auto error = [](const Words& words) { return run(words).error(kCalledWrongly); };
  EXPECT_THAT(error({"bench"}), HasSubstr("infer, step, score"));
  EXPECT_THAT(error(bench("stpe")), AllOf(HasSubstr("'stpe'"), HasSubstr("step")));
  EXPECT_THAT(error(bench("infer", {"step"})), HasSubstr("only one"));
  EXPECT_THAT(error({"bench", "infer", "--batch", "2"}), HasSubstr("--arch"));
  EXPECT_THAT(error({"bench", "infer", "--arch", "vit_demo_patch4_28"}), HasSubstr("--batch"));
  EXPECT_THAT(error({"bench", "infer", "--arch", "vit_tniy_patch16_224", "--batch", "2"}),
              HasSubstr("vit_tiny_patch16_224"));
  EXPECT_THAT(error(bench("step", {"--method", "gfrt"})), AllOf(HasSubstr("'gfrt'"), HasSubstr("grft")));
  EXPECT_THAT(error(bench("step", {"--method", "gps", "--axis", "row"})), HasSubstr("--axis"));
  EXPECT_THAT(error(bench("step", {"--targets", "blocks.*.qvk.weight"})), HasSubstr("blocks.*.qvk.weight"));
  EXPECT_THAT(error(bench("score", {"--method", "full"})), AllOf(HasSubstr("full"), HasSubstr("grft")));
  EXPECT_THAT(error({"bench", "score", "--arch", "vit_demo_patch4_28", "--batch", "2"}),
              HasSubstr("--batch 3"));
  EXPECT_THAT(error(bench("infer", {"--image-size", "30"})), HasSubstr("patch size 4"));
  EXPECT_THAT(error(bench("infer", {"--repeats", "0"})), HasSubstr("--repeats"));
  EXPECT_THAT(error(bench("infer", {"--repeat", "3"})), HasSubstr("--repeats"));
}

}  // namespace
}  // namespace end_to_end
