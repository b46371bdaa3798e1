// A list of images with named columns: the first byte says in which form, the rest is the file.

#include "data/split_file.h"

#include "tests/fuzz/memory_folder.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static const fuzz::MemoryFolder folder;
  constexpr const char* kNames[] = {"l.csv", "l.tsv", "l.jsonl"};
  const std::filesystem::path list = folder.put(kNames[data[0] % 3], fuzz::text_of(data + 1, size - 1));
  fuzz::reads_or_refuses([&] {
    const data::Splits splits = data::open_split_files({.train = list, .root = "/none", .whole = true});
    for (const auto& split : {splits.train, splits.val, splits.test})
      for (engine::Index i = 0; split && i < split->size(); ++i)
        if (split->label(i) >= static_cast<engine::Index>(splits.classes.size())) std::abort();
  });
  return 0;
}
