#pragma once

#include <string>

#include "engine/base/check.h"

namespace data::parquet {

// Numbers of Parquet's enums (parquet.thrift), and what they are called.

enum class Physical { boolean, int32, int64, int96, real32, real64, byte_array, fixed_byte_array };
enum class Codec { uncompressed, snappy, gzip, lzo, brotli, lz4, zstd, lz4_raw };
enum class Encoding {
  plain,
  plain_dictionary = 2,  ///< what rle_dictionary was called before 2.0
  rle,
  bit_packed,
  delta_binary_packed,
  delta_length_byte_array,
  delta_byte_array,
  rle_dictionary,
  byte_stream_split
};

/// "BYTE_ARRAY", "SNAPPY", "PLAIN"; of a number that has no name, "type 17".
std::string name_of(Physical type);
std::string name_of(Codec codec);
std::string name_of(Encoding encoding);

/// The most rows of a file: more than any data set has images.
constexpr engine::Index kMaxRows = 20'000'000;

}  // namespace data::parquet
