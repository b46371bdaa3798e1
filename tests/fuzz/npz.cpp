// An archive of NumPy's arrays: every array of a type that can be read, and the model that they may be.

#include "engine/io/npz.h"

#include "tests/fuzz/memory_file.h"
#include "tools/training/pretrained/model_source.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::MemoryFile input(fuzz::bytes_of(data, size));
  fuzz::reads_or_refuses([&] {
    const engine::Npz file(input.path());
    for (const engine::Npz::Array& array : file.arrays()) {
      fuzz::reads_or_refuses([&] {
        if (file.read(array.name).shape() != array.header.shape) std::abort();
      });
    }
  });
  training::ModelSource options;
  options.model = input.path();
  options.threads = 1;
  fuzz::reads_or_refuses([&] { training::load_model(options); });
  return 0;
}
