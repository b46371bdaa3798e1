// Lists of images and labels: the input up to a NUL byte for train, the rest for val.

#include "data/split_file.h"

#include "tests/fuzz/memory_file.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Bytes bytes = fuzz::bytes_of(data, size);
  const std::size_t cut = std::min(fuzz::text_of(data, size).find('\0'), size);
  const fuzz::MemoryFile train(bytes.first(cut)), val(bytes.subspan(cut));
  fuzz::reads_or_refuses([&] {
    const data::Splits splits =
        data::open_split_files({.train = train.path(), .val = val.path(), .test = {}, .root = "/none"});
    for (engine::Index i = 0; i < splits.train->size(); ++i) {
      if (splits.train->label(i) >= static_cast<engine::Index>(splits.classes.size())) std::abort();
    }
  });
  return 0;
}
