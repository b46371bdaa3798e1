// A checkpoint of ViT-S/16 from a safetensors file, which is written to the folder for temporary files and
// most likely still in the system's cache when it is read. Bytes are those of the file.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <filesystem>

#include "engine/io/safetensors.h"
#include "engine/nn/state.h"
#include "models/zoo.h"

namespace {

namespace fs = std::filesystem;

models::Vit vit_small() {
  models::Vit model(models::architecture("vit_small_patch16_224"));
  models::initialize(model, 0);
  return model;
}

/// A checkpoint with random weights, removed at the end.
class Checkpoint {
 public:
  Checkpoint()
      : path_(fs::temp_directory_path() / ("espalier-bench-" + std::to_string(getpid()) + ".safetensors")) {
    models::Vit model = vit_small();
    engine::write_safetensors(path_, engine::state(model));
  }
  ~Checkpoint() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  Checkpoint(const Checkpoint&) = delete;
  Checkpoint& operator=(const Checkpoint&) = delete;
  const fs::path& path() const { return path_; }
  void count_bytes(benchmark::State& state) const {
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(fs::file_size(path_)));
  }

 private:
  fs::path path_;
};

void open_header(benchmark::State& state) {
  const Checkpoint checkpoint;
  for (auto _ : state) benchmark::DoNotOptimize(engine::Safetensors(checkpoint.path()).entries().size());
}

void read_into_model(benchmark::State& state) {
  const Checkpoint checkpoint;
  models::Vit model = vit_small();
  for (auto _ : state) {
    const engine::Safetensors file(checkpoint.path());
    for (const auto& [name, parameter] : engine::parameters(model)) file.read_into(name, parameter.value());
  }
  checkpoint.count_bytes(state);
}

void read_as_tensors(benchmark::State& state) {
  const Checkpoint checkpoint;
  for (auto _ : state) {
    const engine::Safetensors file(checkpoint.path());
    for (const std::string& name : file.names()) benchmark::DoNotOptimize(file.read(name).raw());
  }
  checkpoint.count_bytes(state);
}

BENCHMARK(open_header)->Unit(benchmark::kMicrosecond);
BENCHMARK(read_into_model)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(read_as_tensors)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
