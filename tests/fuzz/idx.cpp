// An IDX file, plain or gzipped.

#include "data/idx.h"

#include "tests/fuzz/memory_file.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::MemoryFile input(fuzz::bytes_of(data, size));
  fuzz::reads_or_refuses([&] {
    const data::IdxArray array = data::read_idx(input.path());
    std::size_t count = 1;
    for (const engine::Index length : array.shape) count *= static_cast<std::size_t>(length);
    if (array.values.size() != count) std::abort();
  });
  return 0;
}
