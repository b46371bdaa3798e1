// LayerNorm and GELU over the tokens of 8 images, forward and backward. Items are values.
#include "engine/kernels/elementwise.h"

#include <benchmark/benchmark.h>

#include "engine/kernels/layer_norm.h"
#include "engine/tensor/random.h"

namespace {

using engine::Index;
using engine::Tensor;

constexpr Index kRows = 8 * 197;
constexpr float kEps = 1e-6f;

struct Rows {
  explicit Rows(const benchmark::State& state) : width(state.range(0)) {
    engine::Random random(0, engine::Random::Use::test);
    for (Tensor* t : {&x, &dy}) *t = engine::normal({kRows, width}, random, 1);
    for (Tensor* t : {&w, &b, &dw}) *t = engine::normal({width}, random, 1);
    for (Tensor* t : {&y, &dx}) *t = Tensor::zeros({kRows, width});
    for (Tensor* t : {&mean, &rstd}) *t = Tensor::zeros({kRows});
  }
  void layer_norm() {
    engine::kernels::layer_norm<float>(kRows, width, at(x), at(w), at(b), kEps, at(y), at(mean), at(rstd));
  }
  void count_items(benchmark::State& state) const {
    state.SetItemsProcessed(state.iterations() * kRows * width);
  }
  static float* at(Tensor& t) { return t.data<float>().data(); }

  Index width;
  Tensor x, dy, w, b, dw, y, dx, mean, rstd;
};

void layer_norm(benchmark::State& state) {
  Rows r(state);
  for (auto _ : state) r.layer_norm();
  r.count_items(state);
}

void layer_norm_backward(benchmark::State& state) {
  Rows r(state);
  r.layer_norm();
  for (auto _ : state)
    engine::kernels::layer_norm_backward<float>(kRows, r.width, r.at(r.x), r.at(r.w), r.at(r.dy),
                                                r.at(r.mean), r.at(r.rstd), r.at(r.dx));
  r.count_items(state);
}

void layer_norm_weight_gradient(benchmark::State& state) {
  Rows r(state);
  r.layer_norm();
  for (auto _ : state)
    engine::kernels::layer_norm_weight_gradient<float>(kRows, r.width, r.at(r.x), r.at(r.dy), r.at(r.mean),
                                                       r.at(r.rstd), r.at(r.dw));
  r.count_items(state);
}

void gelu(benchmark::State& state) {
  Rows r(state);
  for (auto _ : state)
    engine::kernels::activate<float>(engine::kernels::Activation::gelu, kRows * r.width, r.at(r.x),
                                     r.at(r.y));
  r.count_items(state);
}

void gelu_backward(benchmark::State& state) {
  Rows r(state);
  for (auto _ : state)
    engine::kernels::activate_backward<float>(engine::kernels::Activation::gelu, kRows * r.width, r.at(r.x),
                                              r.at(r.dy), r.at(r.dx));
  r.count_items(state);
}

/// The widths of ViT-Ti, S and B, and of their hidden layers.
void widths(benchmark::internal::Benchmark* bench) {
  for (const Index width : {192, 384, 768}) bench->Arg(width);
  bench->ArgName("width")->UseRealTime()->Unit(benchmark::kMicrosecond);
}
void hidden_widths(benchmark::internal::Benchmark* bench) {
  for (const Index width : {192, 384, 768}) bench->Arg(4 * width);
  bench->ArgName("width")->UseRealTime()->Unit(benchmark::kMicrosecond);
}

BENCHMARK(layer_norm)->Apply(widths);
BENCHMARK(layer_norm_backward)->Apply(widths);
BENCHMARK(layer_norm_weight_gradient)->Apply(widths);
BENCHMARK(gelu)->Apply(hidden_widths);
BENCHMARK(gelu_backward)->Apply(hidden_widths);

}  // namespace
