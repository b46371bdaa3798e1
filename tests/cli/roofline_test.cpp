#include "tools/cli/roofline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "engine/base/stopwatch.h"
#include "engine/kernels/gemm.h"
#include "models/zoo.h"
#include "tools/cli/bench_job.h"

namespace cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;
using Json = nlohmann::ordered_json;
using Kinds = std::set<std::string>;

BenchOptions options(const std::string& method = "grft", const std::string& recompute = "none") {
  BenchOptions options;
  options.arch = "vit_demo_patch4_28";
  options.config.method = method;
  options.recompute = recompute;
  options.batch = 4;
  return options;
}

/// The second pass: the first makes the state of the optimizer.
ProfiledPass profiled(BenchJob& job) {
  job.pass();
  const engine::OpProfile profile;
  const Index before = engine::kernels::multiply_adds();
  const engine::Stopwatch watch;
  job.pass();
  const double seconds = watch.seconds();
  return {seconds, engine::kernels::multiply_adds() - before, profile.rows()};
}

Kinds kinds(const Json& rows) {
  Kinds kinds;
  for (const Json& row : rows) kinds.insert(row["kind"]);
  return kinds;
}

/// The row of this kind and shape.
Json row(const Json& rows, const std::string& kind, const std::vector<Index>& shape) {
  for (const Json& row : rows) {
    if (row["kind"] == kind && row["shape"] == shape) return row;
  }
  ADD_FAILURE() << "no " << kind << ' ' << ::testing::PrintToString(shape);
  return {};
}

/// What holds of every table: its rows are the whole pass, and every multiply-add is in the row of an op.
Json checked(const ProfiledPass& pass) {
  Json rows = roofline({pass}, {100, 10});
  double seconds = 0, share = 0;
  Index multiply_adds = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    seconds += rows[i]["seconds"].get<double>();
    share += rows[i]["share"].get<double>();
    multiply_adds += rows[i]["multiply_adds"].get<Index>();
    if (i > 0 && i + 1 < rows.size()) {
      EXPECT_LE(rows[i]["seconds"], rows[i - 1]["seconds"]) << "longest first";
    }
  }
  EXPECT_EQ(rows.back()["kind"], "everything else");
  EXPECT_EQ(rows.back()["multiply_adds"], 0) << "done by no op";
  EXPECT_EQ(multiply_adds, pass.multiply_adds);
  EXPECT_LE(seconds - rows.back()["seconds"].get<double>(), pass.seconds);
  EXPECT_NEAR(seconds, pass.seconds, 1e-9);
  EXPECT_NEAR(share, 1, 1e-9);
  return rows;
}

/// The model of options().
models::VitConfig demo() {
  models::VitConfig config = models::architecture("vit_demo_patch4_28");
  config.classes = options().classes;
  return config;
}

TEST(Roofline, of_inference_has_the_ops_of_a_forward_pass) {
  const Json rows = checked(profiled(*make_infer_job(options())));
  EXPECT_THAT(kinds(rows),
              ElementsAre("add positions", "attention forward", "everything else", "insert tokens",
                          "layer norm forward", "linear + GELU forward", "linear + residual forward",
                          "linear forward", "patches forward", "select token forward"));
  const models::VitConfig c = demo();
  const Index n = 4, tokens = c.tokens(), w = c.width;
  const Json qkv = row(rows, "linear forward", {n * tokens, 3 * w, w});
  EXPECT_EQ(qkv["calls"], c.depth);
  EXPECT_EQ(qkv["multiply_adds"], c.depth * n * tokens * 3 * w * w);
  const Index values = n * tokens * w + 3 * w * w + 3 * w + n * tokens * 3 * w;
  EXPECT_DOUBLE_EQ(qkv["mb"], static_cast<double>(c.depth * values) * 4 / 1e6) << "x, w, b and y";
  const Json fc1 = row(rows, "linear + GELU forward", {n * tokens, c.hidden, w});
  EXPECT_EQ(fc1["calls"], c.depth - 1) << "the last block's is of the class token";
  EXPECT_EQ(row(rows, "linear + GELU forward", {n, c.hidden, w})["calls"], 1);
  const Json attention = row(rows, "attention forward", {n, c.heads, tokens, tokens, w / c.heads});
  EXPECT_EQ(attention["calls"], c.depth - 1);
  EXPECT_EQ(row(rows, "attention forward", {n, c.heads, 1, tokens, w / c.heads})["calls"], 1);
}

TEST(Roofline, of_a_step_has_its_gradients_and_the_optimizer) {
  for (const char* method : {"full", "grft", "gps", "lora", "sift", "bitfit"}) {
    SCOPED_TRACE(method);
    const Json rows = checked(profiled(*make_step_job(options(method))));
    EXPECT_THAT(kinds(rows), IsSupersetOf({"linear forward", "linear dX", "linear dW", "attention backward",
                                           "layer norm dX", "GELU backward", "add gradients", "loss forward",
                                           "loss backward", "optimizer", "everything else"}));
  }
}

TEST(Roofline, of_a_full_step_has_a_product_for_each_of_the_three_of_a_layer) {
  const Json rows = checked(profiled(*make_step_job(options("full"))));
  const models::VitConfig c = demo();
  const Index n = 4 * c.tokens(), w = c.width;
  for (const Json& product : {row(rows, "linear forward", {n, 3 * w, w}),
                              row(rows, "linear dX", {n, w, 3 * w}), row(rows, "linear dW", {3 * w, w, n})}) {
    EXPECT_EQ(product["calls"], c.depth);
    EXPECT_EQ(product["multiply_adds"], c.depth * n * w * 3 * w);
  }
  const Json adam = row(rows, "optimizer", {3 * w, w});
  EXPECT_DOUBLE_EQ(adam["mb"], static_cast<double>(c.depth * 3 * w * w * 7) * 4 / 1e6)
      << "the weight and two moments read and written, the gradient read";
}

TEST(Roofline, of_grft_has_products_of_two_rows_or_columns) {
  const Json rows = checked(profiled(*make_step_job(options("grft"))));
  const models::VitConfig c = demo();
  EXPECT_EQ(row(rows, "linear dW", {3 * c.width, 2, 4 * c.tokens()})["calls"], c.depth);
}

TEST(Roofline, of_few_single_elements_has_sampled_products) {
  BenchOptions few = options("sift");
  few.config.method_options["rate"] = "0.001";
  EXPECT_THAT(kinds(checked(profiled(*make_step_job(few)))), ::testing::Contains("linear dW, sampled"));
}

TEST(Roofline, has_rows_of_their_own_for_what_is_recomputed) {
  const Json none = checked(profiled(*make_step_job(options("full"))));
  const models::VitConfig c = demo();
  const std::vector<Index> fc1{4 * c.tokens(), c.hidden, c.width};
  EXPECT_THAT(kinds(none), IsSupersetOf({"recompute GELU forward", "recompute layer norm forward"}));
  EXPECT_THAT(kinds(none), Not(::testing::Contains("recompute linear forward")));
  const Json mlp = checked(profiled(*make_step_job(options("full", "mlp"))));
  EXPECT_EQ(row(mlp, "recompute linear forward", fc1)["calls"], c.depth - 1);
  const Json blocks = checked(profiled(*make_step_job(options("full", "blocks"))));
  EXPECT_EQ(row(blocks, "linear + GELU forward", fc1)["calls"], c.depth - 1);
  EXPECT_EQ(row(blocks, "recompute linear + GELU forward", fc1)["calls"], c.depth - 1);
  EXPECT_THAT(kinds(blocks), Not(::testing::Contains("recompute linear dX")));
}

TEST(Roofline, of_scoring_has_the_loss_and_the_selection) {
  for (const char* sketch : {"0", "16"}) {
    BenchOptions with_sketch = options();
    with_sketch.config.method_options["score-sketch"] = sketch;
    const Json rows = checked(profiled(*make_score_job(with_sketch)));
    EXPECT_THAT(kinds(rows), IsSupersetOf({"linear dX", "linear dW", "loss forward", "loss backward",
                                           "normalize rows backward", "selection", "everything else"}));
  }
}

TEST(Roofline, computes_rates_and_shares_of_the_machine) {
  const engine::OpRow product{{"linear forward", {10, 20, 30}, 6'000'000'000, 3'000'000'000}, false, 2, 0.5};
  const engine::OpRow again{{"GELU forward", {10, 20}, 0, 100'000'000}, true, 1, 0.25};
  const Json rows = roofline({{1, 6'000'000'000, {again, product}}}, {96, 24});
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0], Json::parse(R"({"kind": "linear forward", "shape": [10, 20, 30], "calls": 2,
      "seconds": 0.5, "share": 0.5, "multiply_adds": 6000000000, "gflops": 24.0, "peak_share": 0.25,
      "mb": 3000.0, "gb_s": 6.0, "bandwidth_share": 0.25})"));
  EXPECT_EQ(rows[1]["kind"], "recompute GELU forward");
  EXPECT_EQ(rows[1]["shape"], (std::vector<Index>{10, 20}));
  EXPECT_EQ(rows[1]["gflops"], 0);
  EXPECT_EQ(rows[2], Json::parse(R"({"kind": "everything else", "shape": [], "calls": 0,
      "seconds": 0.25, "share": 0.25, "multiply_adds": 0, "gflops": 0.0, "peak_share": 0.0,
      "mb": 0.0, "gb_s": 0.0, "bandwidth_share": 0.0})"));
}

TEST(Roofline, is_that_of_the_pass_in_the_middle) {
  const auto pass = [](double seconds, double op) {
    return ProfiledPass{seconds, 0, {{{"op", {2, 2}, 0, 64}, false, 1, op}}};
  };
  const Json odd = roofline({pass(4, 0.5), pass(9, 8), pass(2, 1)}, {1, 1});
  EXPECT_EQ(odd[0]["seconds"], 0.5);
  EXPECT_EQ(odd[1]["seconds"], 3.5);
  const Json even = roofline({pass(4, 0.5), pass(9, 8), pass(2, 1), pass(1, 0.25)}, {1, 1});
  EXPECT_EQ(even[0]["seconds"], 0.75);
  EXPECT_EQ(even[0]["calls"], 1);
  EXPECT_EQ(even[1]["seconds"], 2.25);
}

TEST(RooflineTable, has_a_line_for_each_row_with_its_columns_under_each_other) {
  const engine::OpRow product{{"linear forward", {10, 20, 30}, 6'000'000'000, 3'000'000'000}, false, 2, 0.5};
  EXPECT_EQ(
      roofline_table(roofline({{1, 6'000'000'000, {product}}}, {96, 24})),
      "op               shape         calls      ms     %  GFLOP/s  % of peak       MB  GB/s  % of memory\n"
      "linear forward   10 x 20 x 30      2  500.00  50.0     24.0       25.0  3000.00   6.0         25.0\n"
      "everything else                    -  500.00  50.0        -          -        -     -            -\n");
}

}  // namespace
}  // namespace cli
