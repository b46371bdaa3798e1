// A delta or a selection: what it chooses, and the whole of it over a base.

#include "peft/delta.h"

#include "engine/nn/state.h"
#include "tests/fuzz/memory_file.h"
#include "tests/fuzz/memory_folder.h"
#include "tests/fuzz/tiny_model.h"
#include "tools/training/tuned_model.h"

namespace {

/// The options of a base in a file of its own.
training::ModelSource base_options() {
  static const fuzz::MemoryFolder folder;
  models::Vit model(fuzz::tiny_config());
  training::ModelSource options;
  options.model = folder.path() / "base.safetensors";
  options.threads = 1;
  engine::write_safetensors(options.model, engine::state(model), {{"num_heads", "2"}});
  return options;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const training::ModelSource base = base_options();
  const fuzz::MemoryFile input(fuzz::bytes_of(data, size));
  fuzz::reads_or_refuses([&] { peft::read_parts(engine::Safetensors(input.path())); });
  fuzz::reads_or_refuses([&] {
    models::Vit model(fuzz::tiny_config());
    peft::apply_delta(model, engine::Safetensors(input.path()));
  });
  fuzz::reads_or_refuses([&] { training::load_tuned_model(base, input.path(), true); });
  return 0;
}
