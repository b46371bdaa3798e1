// A training step of every method, and inference, with random weights: ViT-Ti/16 at batch 32 and ViT-B/16 at
// batch 8. Items are images. `espalier bench` measures more of a single one; --benchmark_filter chooses here.
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

constexpr Index kClasses = 10;

struct Case {
  const char *name, *arch;
  Index batch;
};
constexpr Case kCases[] = {{"Ti", "vit_tiny_patch16_224", 32}, {"B", "vit_base_patch16_224", 8}};

models::VitConfig config_of(const Case& c) {
  models::VitConfig config = models::architecture(c.arch);
  config.classes = kClasses;
  return config;
}

struct Setup {
  explicit Setup(const Case& c) : model(config_of(c)) {
    models::initialize(model, 0);
    engine::Random random(0, engine::Random::Use::test);
    images = engine::normal({c.batch, 3, 224, 224}, random, 1);
    std::vector<Index> labels;
    for (Index i = 0; i < c.batch; ++i) labels.push_back(i % kClasses);
    targets = engine::one_hot(labels, kClasses);
  }
  models::Vit model;
  Tensor images, targets;
};

void inference(benchmark::State& state, const Case& c) {
  Setup s(c);
  const engine::NoGrad no_grad;
  benchmark::DoNotOptimize(s.model(s.images).raw());  // the system gives its memory the first time
  for (auto _ : state) benchmark::DoNotOptimize(s.model(s.images).raw());
  state.SetItemsProcessed(state.iterations() * c.batch);
}

void step(benchmark::State& state, const Case& c, const std::string& method) {
  Setup s(c);
  // Scores of zero: ties decide what trains.
  peft::make_method(method, {})->prepare(s.model, {});
  const auto optimizer = engine::make_adam(engine::parameters(s.model), {});
  const auto run = [&] {
    engine::backward(engine::cross_entropy(s.model(s.images), s.targets));
    optimizer->step(1e-3);
  };
  run();
  const Index before = engine::kernels::multiply_adds();
  for (auto _ : state) run();
  state.SetItemsProcessed(state.iterations() * c.batch);
  state.counters["GMAC/step"] = static_cast<double>(engine::kernels::multiply_adds() - before) / 1e9 /
                                static_cast<double>(state.iterations());
}

template <class F>
void add(const std::string& name, F run) {
  benchmark::RegisterBenchmark(name.c_str(), run)->UseRealTime()->Unit(benchmark::kMillisecond);
}

}  // namespace

int main(int argc, char** argv) {
  for (const Case& c : kCases) {
    add(std::string("inference/") + c.name, [&c](benchmark::State& state) { inference(state, c); });
    for (const peft::MethodInfo& method : peft::methods())
      add("step/" + method.name + '/' + c.name,
          [&c, name = method.name](benchmark::State& state) { step(state, c, name); });
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
