// The weights of a model in any of the dialects.

#include "tests/fuzz/memory_file.h"
#include "tools/training/pretrained/model_source.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::MemoryFile input(fuzz::bytes_of(data, size));
  training::ModelSource options;
  options.model = input.path();
  options.threads = 1;
  fuzz::reads_or_refuses([&] { training::load_model(options); });
  return 0;
}
