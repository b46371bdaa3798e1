// The footer of a Parquet file, and which of its columns hold images and labels. The input stands between the
// first bytes of a file, with room for the pages it may place there, and the last.

#include <algorithm>

#include "data/parquet/image_columns.h"
#include "tests/fuzz/memory_file.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string pages(512, 'p'), footer(fuzz::text_of(data, size));
  std::string file = "PAR1" + pages + footer;
  for (int i = 0; i < 4; ++i) file += static_cast<char>(size >> 8 * i & 0xff);
  file += "PAR1";
  const fuzz::MemoryFile input(std::as_bytes(std::span(file)));
  fuzz::reads_or_refuses([&] {
    const data::parquet::Footer read = data::parquet::read_footer(engine::File(input.path()));
    for (const data::parquet::RowGroup& group : read.groups)
      for (const data::parquet::Chunk& chunk : group.chunks)
        if (!chunk.encrypted && chunk.offset + chunk.bytes > 4 + pages.size()) std::abort();
    const auto columns = data::parquet::find_image_columns(read, "input");
    if (std::max(columns.image, columns.label) >= read.columns.size()) std::abort();
  });
  return 0;
}
