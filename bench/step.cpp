// A training step of every method on ViT-Ti/16 with random weights, batch 32; and inference. Items are
// pictures.
#include <benchmark/benchmark.h>

#include "engine/autograd/backward.h"
#include "engine/kernels/gemm.h"
#include "engine/ops/loss.h"
#include "engine/optim/optimizer.h"
#include "engine/tensor/random.h"
#include "models/zoo.h"
#include "peft/methods.h"

namespace {

using engine::Index;
using engine::Tensor;

constexpr Index kBatch = 32, kClasses = 10;

struct Setup {
  Setup() : model(config()) {
    models::initialize(model, 0);
    engine::Random random(0, engine::Random::Use::test);
    pictures = engine::normal({kBatch, 3, 224, 224}, random, 1);
    for (Index i = 0; i < kBatch; ++i) labels.push_back(i % kClasses);
  }
  static models::VitConfig config() {
    models::VitConfig c = models::architecture("vit_tiny_patch16_224");
    c.classes = kClasses;
    return c;
  }
  models::Vit model;
  Tensor pictures;
  std::vector<Index> labels;
};

void inference(benchmark::State& state) {
  Setup s;
  const engine::NoGrad no_grad;
  benchmark::DoNotOptimize(s.model(s.pictures).raw());
  for (auto _ : state) benchmark::DoNotOptimize(s.model(s.pictures).raw());
  state.SetItemsProcessed(state.iterations() * kBatch);
}

void step(benchmark::State& state, const std::string& method) {
  Setup s;
  // Scores of zero: which units train makes no difference to the time.
  peft::make_method(method, {})->prepare(s.model, {});
  const auto optimizer = engine::make_adam(engine::parameters(s.model), {});
  engine::backward(engine::cross_entropy(s.model(s.pictures), engine::one_hot(s.labels, kClasses)));
  optimizer->step(1e-3);
  const Index before = engine::kernels::multiply_adds();
  for (auto _ : state) {
    engine::backward(engine::cross_entropy(s.model(s.pictures), engine::one_hot(s.labels, kClasses)));
    optimizer->step(1e-3);
  }
  state.SetItemsProcessed(state.iterations() * kBatch);
  state.counters["GMAC/step"] = static_cast<double>(engine::kernels::multiply_adds() - before) / 1e9 /
                                static_cast<double>(state.iterations());
}

BENCHMARK(inference)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(step, full, "full")->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(step, linear, "linear")->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(step, bitfit, "bitfit")->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(step, grft, "grft")->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(step, gps, "gps")->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(step, sift, "sift")->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
