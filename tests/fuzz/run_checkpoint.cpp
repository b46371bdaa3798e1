// What --resume goes on from: a checkpoint of a run, and the scores that an interrupted scoring left. The
// input is sealed first, as damage is not what is looked for here.

#include <nlohmann/json.hpp>

#include "peft/methods.h"
#include "tests/fuzz/memory_file.h"
#include "tests/fuzz/memory_folder.h"
#include "tests/fuzz/sealing.h"
#include "tests/fuzz/tiny_model.h"
#include "tools/training/checkpoint.h"
#include "tools/training/partial_scores.h"

namespace {

const training::RunIdentity& identity() {
  static const training::RunIdentity one({{"lr", 0.1}, {"method_options", {{"k", "2"}}}});
  return one;
}

void resume(const training::RunFolder& folder, const char* name) {
  const auto checkpoint = training::Checkpoint::newest(folder, identity());
  models::Vit model(fuzz::tiny_config());
  const auto method = peft::make_method(name, {});
  checkpoint->restore(model, *method);
  const auto optimizer = engine::make_adam(engine::parameters(model), {});
  engine::Ema ema(engine::parameters(model), 0.9);
  checkpoint->restore(*optimizer, &ema);
}

void go_on_scoring(const training::RunFolder& folder) {
  const auto scores = training::read_partial_scores(folder.file("checkpoint.safetensors"), identity());
  models::Vit model(fuzz::tiny_config());
  if (scores) training::restore_partial_scores(*scores, engine::parameters(model));
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::MemoryFolder memory;
  static const training::RunFolder folder(memory.path(), training::RunFolder::Existing::refuse);
  const fuzz::MemoryFile input(fuzz::bytes_of(data, size));
  fuzz::reads_or_refuses([&] {
    fuzz::seal(engine::Safetensors(input.path()), folder.file("checkpoint.safetensors"));
    // Those whose state a checkpoint has, beside the one that has none.
    for (const char* name : {"grft", "spiel", "lisa", "green", "spt"})
      fuzz::reads_or_refuses([&] { resume(folder, name); });
    fuzz::reads_or_refuses([&] { go_on_scoring(folder); });
  });
  return 0;
}
