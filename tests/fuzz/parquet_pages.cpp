// A whole Parquet file of images: its labels, the index of its pages, and the bytes of every image.

#include "data/parquet/images.h"
#include "tests/fuzz/memory_file.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::MemoryFile input(fuzz::bytes_of(data, size));
  fuzz::reads_or_refuses([&] {
    data::parquet::RawSplit split = data::parquet::read_split({input.path()});
    const std::size_t labels = split.labels.size();
    for (const std::uint32_t label : split.labels)
      if (split.texts_are_labels ? label >= split.texts.size() : label > split.largest) std::abort();
    const data::parquet::Images images(std::move(split.shards), std::move(split.labels));
    if (images.size() != static_cast<engine::Index>(labels)) std::abort();
    for (engine::Index i = 0; i < images.size(); ++i) {
      if (images.values().is_null(i)) continue;
      fuzz::reads_or_refuses([&] {
        if (images.values().value(i).size() > std::size_t{1} << 28) std::abort();
      });
    }
  });
  return 0;
}
