// The index of a checkpoint that is cut into shards.

#include "engine/io/shard_index.h"

#include <cstdlib>

#include "tests/fuzz/target.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::reads_or_refuses([&] {
    const engine::ShardIndex index = engine::parse_shard_index(fuzz::text_of(data, size), "index");
    for (const auto& [tensor, place] : index.tensors) {
      if (place >= index.files.size() || index.files[place].find('/') != std::string::npos) std::abort();
    }
  });
  return 0;
}
