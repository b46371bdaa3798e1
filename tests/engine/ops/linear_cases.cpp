#include "engine/ops/linear.h"

#include <set>
#include <tuple>

#include "engine/kernels/gemm.h"
#include "engine/kernels/simd.h"
#include "tests/engine/ops/cases.h"
#include "tests/support/kernel_guards.h"

namespace engine::cases {
namespace {

using Sizes = std::tuple<Index, Index, Index>;  // rows of x, in, out

Tensor run(std::span<const Tensor> in) {
  return linear(in[0], in[1], in.size() > 2 ? in[2] : Tensor());
}

template <Activation kind>
Tensor run_activate(std::span<const Tensor> in) {
  return linear_activate(in[0], in[1], in.size() > 2 ? in[2] : Tensor(), kind);
}

Tensor run_residual(std::span<const Tensor> in) {
  return linear_residual(in[3], in[0], in[1], in[2]);
}

Tensor run_dropped_residual(std::span<const Tensor> in) {
  const Tensor factors = Tensor::of<double>({3}, {1.25, 0, 1.25}).to(in[0].dtype());
  return linear_residual(in[3], in[0], in[1], in[2], {.samples = factors});
}

Tensor run_scaled_residual(std::span<const Tensor> in) {
  const Tensor gamma = Tensor::of<double>({7}, {0.5, 1, -2, 0.25, 0, 3, 1}).to(in[0].dtype());
  return linear_residual(in[3], in[0], in[1], in[2], {.features = gamma});
}

std::string name_of(const Sizes& s) {
  const auto& [n, in, out] = s;
  return std::to_string(n) + "_rows_" + std::to_string(in) + "_to_" + std::to_string(out);
}

template <class T>
void around_tiles(std::set<Sizes>& sizes) {
  const Index rows = kernels::simd<T>().tiles.rows, columns = kernels::simd<T>().tiles.columns();
  sizes.insert({rows - 1, columns + 1, columns - 1});
  sizes.insert({rows, columns, columns});
  sizes.insert({rows + 1, columns - 1, rows + 1});
  sizes.insert({2 * rows + 1, rows - 1, 2 * columns + 1});
}

/// Odd sizes, one less and more than the tiles of every instruction set, and depths of one and of two blocks.
std::set<Sizes> all_sizes() {
  constexpr Index kTwoBlocks = kernels::kDepth + kernels::kDepth / 2;  // the first depth that is cut
  std::set<Sizes> sizes = {{1, 1, 1},          {1, 7, 3},          {7, 1, 1},
                           {2, 3, 131},        {kTwoBlocks, 2, 3}, {3, kTwoBlocks - 1, 2},
                           {2, 3, kTwoBlocks}, {11, 13, 67}};
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    around_tiles<float>(sizes);
    around_tiles<double>(sizes);
  }
  return sizes;
}

}  // namespace

std::vector<OpCase> linear_cases() {
  std::vector<OpCase> cases = {
      {.op = "linear", .name = "without_bias", .shapes = {{5, 3}, {7, 3}}, .run = run},
      {.op = "linear", .name = "x_of_one_axis", .shapes = {{5}, {3, 5}, {3}}, .run = run},
      {.op = "linear", .name = "x_of_three_axes", .shapes = {{2, 3, 5}, {7, 5}, {7}}, .run = run},
      {.op = "linear", .name = "kernel_of_a_convolution", .shapes = {{2, 12}, {5, 3, 2, 2}, {5}}, .run = run},
      {.op = "linear", .name = "square", .shapes = {{5, 5}, {5, 5}, {5}}, .run = run},
      {.op = "linear",
       .name = "several_blocks",
       .shapes = {{3, 89, 65}, {131, 65}, {131}},
       .run = run,
       .large = true},
  };
  cases.insert(cases.end(), {{.op = "linear_activate",
                              .name = "rows",
                              .shapes = {{13, 5}, {19, 5}, {19}},
                              .run = run_activate<Activation::gelu>},
                             {.op = "linear_activate",
                              .name = "without_bias",
                              .shapes = {{2, 3, 5}, {7, 5}},
                              .run = run_activate<Activation::gelu>},
                             {.op = "linear_activate",
                              .name = "quick_gelu",
                              .shapes = {{2, 3, 5}, {7, 5}, {7}},
                              .run = run_activate<Activation::quick_gelu>},
                             {.op = "linear_residual",
                              .name = "scaled_features",
                              .shapes = {{3, 2, 5}, {7, 5}, {7}, {3, 2, 7}},
                              .run = run_scaled_residual},
                             {.op = "linear_residual",
                              .name = "rows",
                              .shapes = {{13, 5}, {19, 5}, {19}, {13, 19}},
                              .run = run_residual},
                             {.op = "linear_residual",
                              .name = "dropped_sample",
                              .shapes = {{3, 2, 5}, {7, 5}, {7}, {3, 2, 7}},
                              .run = run_dropped_residual}});
  for (const Sizes& sizes : all_sizes()) {
    const auto& [n, in, out] = sizes;
    cases.push_back(
        {.op = "linear", .name = name_of(sizes), .shapes = {{n, in}, {out, in}, {out}}, .run = run});
  }
  return cases;
}

}  // namespace engine::cases
