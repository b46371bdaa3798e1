// A run that goes on from a checkpoint for two steps, or to its end. The first byte says which run; the rest
// is the checkpoint, sealed again first, so that what was changed in it reaches the trainer.

#include "engine/kernels/parallel.h"
#include "tests/fuzz/memory_file.h"
#include "tests/fuzz/memory_folder.h"
#include "tests/fuzz/sealing.h"
#include "tests/fuzz/tiny_images.h"
#include "tests/fuzz/tiny_model.h"
#include "tools/training/checkpoint.h"
#include "tools/training/trainer.h"

namespace {

using training::TrainConfig;

/// Four steps in two epochs, with averages.
TrainConfig run_of(const char* method, const std::map<std::string, std::string>& options = {}) {
  TrainConfig config;
  config.method = method, config.method_options = options;
  config.batch_size = 2, config.epochs = 2, config.workers = 0;
  config.ema = 0.5;
  return config;
}

TrainConfig run_of(const char* method, const std::map<std::string, std::string>& options,
                   void (*change)(TrainConfig&)) {
  TrainConfig config = run_of(method, options);
  change(config);
  return config;
}

/// In the order of RUNS in make_seeds.
std::vector<TrainConfig> runs() {
  return {
      run_of("grft", {}, [](TrainConfig& c) { c.keep = "best"; }),
      run_of("gps", {}, [](TrainConfig& c) { c.ema = 0, c.mixup = 0.2, c.save_every = 1; }),
      run_of("sift", {}, [](TrainConfig& c) { c.optimizer = "sgd", c.momentum = 0.9, c.clip = 1; }),
      run_of("spiel", {{"rate", "0.2"}, {"period", "2"}, {"grow-batches", "1"}}),
      run_of("sara", {{"threshold", "0.1"}}, [](TrainConfig& c) { c.keep = "best"; }),
      run_of("lisa", {{"blocks", "1"}, {"period", "1"}}),
      run_of("green", {}, [](TrainConfig& c) { c.drop_path = 0.1; }),
      run_of("lt-sft", {}, [](TrainConfig& c) { c.optimizer = "sgd", c.layer_decay = 0.5; }),
      run_of("lp-ft", {}, [](TrainConfig& c) { c.recompute = "mlp"; }),
      run_of("l2-sp", {}, [](TrainConfig& c) { c.optimizer = "sgd", c.momentum = 0.5, c.ema = 0; }),
      run_of("spt", {{"rank", "2"}}),
      run_of("lora", {{"rank", "2"}}, [](TrainConfig& c) { c.recompute = "blocks", c.keep = "best"; }),
      run_of("dora", {{"rank", "2"}}, [](TrainConfig& c) { c.grad_accum = 2, c.epochs = 4; }),
      run_of("adapter", {{"rank", "2"}}, [](TrainConfig& c) { c.label_smoothing = 0.1; }),
      run_of("vpt", {{"tokens", "3"}}, [](TrainConfig& c) { c.optimizer = "adamw", c.weight_decay = 0.1; }),
  };
}

training::Run opened(const TrainConfig& config) {
  const auto images = std::make_shared<fuzz::TinyImages>(4, 2);
  const std::vector<std::string> classes{"a", "b"};
  training::Run run{.loaded = {.model = models::Vit(fuzz::tiny_config()),
                               .arch = "vit",
                               .base_sha256 = "0",
                               .checkpoint = {},
                               .has_head = true,
                               .classes = classes,
                               .stored_preprocessing = {},
                               .preprocessing = {.size = fuzz::tiny_config().image_height}},
                    .splits = {},
                    .images = images,
                    .method = peft::make_method(config.method, config.method_options)};
  run.splits.classes = classes, run.splits.train = run.splits.val = images;
  models::initialize(run.loaded.model, 1);
  run.loaded.model.recompute(models::recompute_named(config.recompute));
  return run;
}

/// As `tune --resume` does.
void go_on(const TrainConfig& config, const training::Checkpoint& checkpoint,
           const fuzz::MemoryFolder& folder) {
  training::Run run = opened(config);
  int steps = 0;
  bool stop = false;
  training::Events events;
  events.on_step = [&](const training::StepEvent& e) { stop = ++steps >= 2 && e.step + 1 < e.steps; };
  events.stop = [&] { return stop; };
  events.on_checkpoint = [&](const training::TrainingState& state) {
    training::write_checkpoint(folder.path() / "next.safetensors", state);
  };
  checkpoint.restore(run.loaded.model, *run.method);
  training::Trainer trainer(run, config, events);
  trainer.resume(checkpoint);
  try {
    trainer.train();
    training::write_delta(folder.path() / "delta.safetensors", run, config);
  } catch (const training::Stopped&) {
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<TrainConfig> all = runs();
  static const fuzz::MemoryFolder folder;
  if (size == 0) return 0;
  engine::kernels::set_threads(1);
  const fuzz::MemoryFile input(fuzz::bytes_of(data + 1, size - 1));
  fuzz::reads_or_refuses([&] {
    const auto path = folder.path() / "checkpoint.safetensors";
    fuzz::seal(engine::Safetensors(input.path()), path);
    go_on(all[data[0] % all.size()], training::Checkpoint(path), folder);
  });
  return 0;
}
