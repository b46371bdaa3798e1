#include "data/parquet/format.h"

#include <span>
#include <string_view>

namespace data::parquet {
namespace {

constexpr std::string_view kTypes[] = {"BOOLEAN", "INT32",  "INT64",      "INT96",
                                       "FLOAT",   "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"};
constexpr std::string_view kCodecs[] = {"UNCOMPRESSED", "SNAPPY", "GZIP", "LZO",
                                        "BROTLI",       "LZ4",    "ZSTD", "LZ4_RAW"};
constexpr std::string_view kEncodings[] = {"PLAIN",
                                           "",
                                           "PLAIN_DICTIONARY",
                                           "RLE",
                                           "BIT_PACKED",
                                           "DELTA_BINARY_PACKED",
                                           "DELTA_LENGTH_BYTE_ARRAY",
                                           "DELTA_BYTE_ARRAY",
                                           "RLE_DICTIONARY",
                                           "BYTE_STREAM_SPLIT"};

std::string name(std::span<const std::string_view> names, const char* kind, int number) {
  if (number >= 0 && number < static_cast<int>(names.size()) &&
      !names[static_cast<std::size_t>(number)].empty())
    return std::string(names[static_cast<std::size_t>(number)]);
  return std::string(kind) + " " + std::to_string(number);
}

}  // namespace

std::string name_of(Physical type) {
  return name(kTypes, "type", static_cast<int>(type));
}

std::string name_of(Codec codec) {
  return name(kCodecs, "codec", static_cast<int>(codec));
}

std::string name_of(Encoding encoding) {
  return name(kEncodings, "encoding", static_cast<int>(encoding));
}

}  // namespace data::parquet
