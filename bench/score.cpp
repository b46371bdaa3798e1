// The choice alone, by random gradients with the shapes of a Vision Transformer's weight matrices: seconds
// for every kind of unit, and the bytes that remember it, as indices and as a dense mask in f32. `espalier
// bench score` measures the rest of scoring.

#include <benchmark/benchmark.h>

#include "engine/tensor/random.h"
#include "models/zoo.h"
#include "peft/selection/units.h"
#include "peft/target.h"

namespace {

using engine::Index;
using engine::Tensor;
using peft::Units;

struct Rule {
  const char* name;
  Units units;
};
const Rule kRules[] = {{"rows", {.kind = Units::Kind::row, .k = 2}},
                       {"columns", {.kind = Units::Kind::column, .k = 2}},
                       {"inputs_of_neurons", {.kind = Units::Kind::neuron, .k = 1}},
                       {"elements", {.kind = Units::Kind::element, .rate = 0.01}}};

std::vector<Tensor> random_gradients(const std::string& arch) {
  models::Vit model(models::architecture(arch));
  std::vector<Tensor> gradients;
  engine::Random random(0, engine::Random::Use::test);
  for (const engine::NamedParameter& p : peft::find_targets(model, {}))
    gradients.push_back(engine::normal(p.parameter.value().shape(), random, 1));
  return gradients;
}

void choose(benchmark::State& state, const std::string& arch, const Units& units) {
  const std::vector<Tensor> gradients = random_gradients(arch);
  Index chosen = 0, values = 0;
  for (const Tensor& g : gradients) {
    chosen += static_cast<Index>(units.of(g.shape()).top(g).indices().size());
    values += g.numel();
  }
  for (auto _ : state) {
    for (const Tensor& g : gradients) benchmark::DoNotOptimize(units.of(g.shape()).top(g));
  }
  state.counters["index_bytes"] = static_cast<double>(chosen) * sizeof(std::int64_t);
  state.counters["mask_bytes"] = static_cast<double>(values) * sizeof(float);
  state.SetItemsProcessed(state.iterations() * values);
}

}  // namespace

int main(int argc, char** argv) {
  for (const char* arch :
       {"vit_tiny_patch16_224", "vit_small_patch16_224", "vit_base_patch16_224", "vit_large_patch16_224"}) {
    for (const auto& [name, units] : kRules) {
      benchmark::RegisterBenchmark((std::string(arch) + '/' + name).c_str(), choose, arch, units)
          ->UseRealTime()
          ->Unit(benchmark::kMillisecond);
    }
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
