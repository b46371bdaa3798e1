// A safetensors file: its header, and every tensor of a type that can be read.

#include "engine/io/safetensors.h"

#include "tests/fuzz/memory_file.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::MemoryFile input(fuzz::bytes_of(data, size));
  fuzz::reads_or_refuses([&] {
    const engine::Safetensors file(input.path());
    for (const engine::SafetensorsEntry& entry : file.entries()) {
      fuzz::reads_or_refuses([&] {
        if (file.read(entry.name).bytes() != entry.bytes) std::abort();
      });
      fuzz::reads_or_refuses([&] { file.read_as(entry.name, engine::Dtype::f32); });
    }
  });
  return 0;
}
