#pragma once

#include <span>
#include <string>

#include "data/parquet/buffer.h"
#include "data/parquet/compact.h"
#include "data/parquet/format.h"

namespace data::parquet {

/// The most bytes that a page which must be decompressed may have: DuckDB writes up to 100 MB, others 1 MB.
constexpr std::size_t kMaxPage = std::size_t{256} << 20;

/// Throws an Error that names the codec, and those that are read, when it is none of these: UNCOMPRESSED,
/// SNAPPY, GZIP, ZSTD.
void check_codec(Codec codec, const std::string& who);

/// Exactly `size` bytes that come out of `packed`. No memory is taken for more than the codec can make of so
/// many bytes, nor for more than kMaxPage. Throws an Error that starts with `who` when what comes out is
/// less, more, or damaged.
Buffer decompress(Codec codec, Bytes packed, std::size_t size, const std::string& who);

}  // namespace data::parquet
