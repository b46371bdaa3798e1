// The metrics.jsonl of a run, which --resume cuts to the steps that its checkpoint has.

#include "tests/fuzz/memory_folder.h"
#include "tools/training/run_folder.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::MemoryFolder folder;
  folder.put("metrics.jsonl", fuzz::text_of(data, size));
  fuzz::reads_or_refuses([&] {
    training::RunFolder run(folder.path(), training::RunFolder::Existing::resume);
    run.cut_log({.scores = 10, .steps = 100, .evaluated = 100});
  });
  return 0;
}
