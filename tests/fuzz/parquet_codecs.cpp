// What comes out of the codecs of Parquet's pages: a byte for the codec, four for the size that a header
// claims, and what is compressed.

#include "data/parquet/codecs.h"
#include "tests/fuzz/target.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using data::parquet::Codec;
  constexpr Codec codecs[] = {Codec::uncompressed, Codec::snappy, Codec::gzip, Codec::zstd};
  constexpr std::size_t start = 5;
  if (size < start) return 0;
  std::size_t claimed = 0;
  for (std::size_t i = start - 1; i > 0; --i) claimed = claimed << 8 | data[i];
  fuzz::reads_or_refuses([&] {
    const auto out = data::parquet::decompress(codecs[data[0] % std::size(codecs)],
                                               fuzz::bytes_of(data, size).subspan(start), claimed, "input");
    if (out.size() != claimed) std::abort();
  });
  return 0;
}
