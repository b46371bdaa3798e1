#include "data/parquet/codecs.h"

#include <snappy-c.h>
#include <zstd.h>

#include <algorithm>
#include <optional>

#include "engine/base/text.h"
#include "engine/io/inflate.h"

namespace data::parquet {
namespace {

using Out = std::span<std::byte>;

std::optional<std::uint64_t> snappy_size(Bytes packed) {
  std::size_t size = 0;
  const bool known = snappy_uncompressed_length(reinterpret_cast<const char*>(packed.data()), packed.size(),
                                                &size) == SNAPPY_OK;
  return known ? std::optional<std::uint64_t>(size) : std::nullopt;
}

void from_snappy(Bytes packed, Out out, const std::string& who) {
  std::size_t size = out.size();
  const auto result = snappy_uncompress(reinterpret_cast<const char*>(packed.data()), packed.size(),
                                        reinterpret_cast<char*>(out.data()), &size);
  check(result == SNAPPY_OK && size == out.size(), who, "is damaged: SNAPPY does not make the", out.size(),
        "bytes of its header from it");
}

std::optional<std::uint64_t> gzip_size(Bytes) {
  return std::nullopt;  // stands at its end, in 32 bits, and proves nothing
}

void from_gzip(Bytes packed, Out out, const std::string& who) {
  engine::Inflater inflater(engine::Inflater::Form::gzip, {packed}, who + " is damaged: GZIP:");
  std::byte beyond;
  const bool whole = inflater.read(out) == out.size() && inflater.read({&beyond, 1}) == 0 && inflater.ended();
  check(whole && inflater.left() == 0, who, "is damaged: GZIP does not make the", out.size(),
        "bytes of its header from it");
}

std::optional<std::uint64_t> zstd_size(Bytes packed) {
  const unsigned long long size = ZSTD_getFrameContentSize(packed.data(), packed.size());
  const bool known = size != ZSTD_CONTENTSIZE_UNKNOWN && size != ZSTD_CONTENTSIZE_ERROR;
  return known ? std::optional<std::uint64_t>(size) : std::nullopt;
}

void from_zstd(Bytes packed, Out out, const std::string& who) {
  const std::size_t size = ZSTD_decompress(out.data(), out.size(), packed.data(), packed.size());
  check(!ZSTD_isError(size) && size == out.size(), who, "is damaged: ZSTD does not make the", out.size(),
        "bytes of its header from it");
}

/// A codec that is read.
struct Known {
  Codec codec;
  std::size_t most;  ///< bytes that come out of one, with 64 more at the start
  std::optional<std::uint64_t> (*announced)(Bytes packed);  ///< bytes that will come out, where it says so
  void (*decompress)(Bytes packed, Out out, const std::string& who);
};
constexpr Known kCodecs[] = {
    {Codec::snappy, 22, snappy_size, from_snappy},  // 64 bytes from 3
    {Codec::gzip, engine::Inflater::kMaxRatio, gzip_size, from_gzip},
    {Codec::zstd, 32768, zstd_size, from_zstd},  // a block of 128 KiB from 4
};

}  // namespace

void check_codec(Codec codec, const std::string& who) {
  const bool known = codec == Codec::uncompressed ||
                     std::ranges::any_of(kCodecs, [&](const Known& other) { return other.codec == codec; });
  check(known, who, "is compressed by",
        name_of(codec) + ", which is not read; UNCOMPRESSED, SNAPPY, GZIP and ZSTD are");
}

Buffer decompress(Codec codec, Bytes packed, std::size_t size, const std::string& who) {
  check(size <= kMaxPage, who, "has", engine::human_bytes(static_cast<double>(size)),
        "to be decompressed; at most", engine::human_bytes(kMaxPage), "are read");
  if (codec == Codec::uncompressed) {
    check(packed.size() == size, who, "is damaged: it has", packed.size(), "bytes and claims", size);
    return {packed.begin(), packed.end()};
  }
  check_codec(codec, who);
  const Known& known = *std::ranges::find(kCodecs, codec, &Known::codec);
  check(size <= packed.size() * known.most + 64, who, "is damaged: it claims", size, "bytes, which",
        name_of(codec), "cannot make of", packed.size());
  const std::uint64_t announced = known.announced(packed).value_or(size);
  check(announced == size, who, "is damaged:", name_of(codec), "announces", announced,
        "bytes, and its header", size);
  Buffer out(size);
  // A page of nulls has no values, and may have no bytes at all then.
  if (size > 0 || !packed.empty()) known.decompress(packed, out, who);
  return out;
}

}  // namespace data::parquet
