// Self-attention of ViT-Ti, S and B at batch 8, forward and backward. Items are multiply-adds of the scores
// and the sums: 2 x tokens^2 x width forward and 5 x tokens^2 x width backward, for every image and head.
#include "engine/kernels/attention.h"

#include <benchmark/benchmark.h>

#include "engine/tensor/random.h"

namespace {

using engine::Index;
using engine::Tensor;
using engine::kernels::AttentionShape;

struct Buffers {
  explicit Buffers(const benchmark::State& state)
      : shape{.batch = state.range(1), .tokens = 197, .heads = state.range(0), .width = 64} {
    engine::Random random(0, engine::Random::Use::test);
    const auto [batch, tokens, heads, width, queries] = shape;
    qkv = engine::normal({batch, tokens, 3, heads, width}, random, 1);
    dy = engine::normal({batch, queries, heads, width}, random, 1);
    y = Tensor::zeros({batch, queries, heads, width});
    log_sum_exp = Tensor::zeros({batch, heads, queries});
    dqkv = Tensor::zeros(qkv.shape());
  }
  void forward() { engine::kernels::attention<float>(shape, rows(qkv), {}, data(y), data(log_sum_exp)); }
  void backward() {
    engine::kernels::attention_backward<float>(shape, rows(qkv), {}, data(y), data(log_sum_exp), data(dy),
                                               engine::kernels::thirds_of(shape, data(dqkv)), nullptr);
  }
  void count_items(benchmark::State& state, Index products) const {
    state.SetItemsProcessed(state.iterations() * products * shape.batch * shape.heads * shape.queries *
                            shape.tokens * shape.width);
  }
  engine::kernels::AttentionRows<const float> rows(const Tensor& t) const {
    return engine::kernels::thirds_of(shape, t.data<float>().data());
  }
  static float* data(Tensor& t) { return t.data<float>().data(); }

  AttentionShape shape;
  Tensor qkv, y, log_sum_exp, dy, dqkv;
};

void forward(benchmark::State& state) {
  Buffers b(state);
  for (auto _ : state) b.forward();
  b.count_items(state, 2);
}

void backward(benchmark::State& state) {
  Buffers b(state);
  b.forward();
  for (auto _ : state) b.backward();
  b.count_items(state, 5);
}

void shapes(benchmark::internal::Benchmark* bench) {
  for (const Index heads : {3, 6, 12}) bench->Args({heads, 8});
  bench->ArgNames({"heads", "batch"})->UseRealTime()->Unit(benchmark::kMillisecond);
}

BENCHMARK(forward)->Apply(shapes);
BENCHMARK(backward)->Apply(shapes);

}  // namespace
