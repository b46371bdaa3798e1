#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "data/parquet/page.h"

namespace data::parquet {

/// A place where a Snappy stream can be cut: byte `packed` of it makes byte `plain` of what comes out, and
/// begins an element.
struct SnappyCut {
  std::uint32_t packed, plain;
};

/// The places at every 64 KiB of what comes out, where Snappy's encoders start over: what comes between two
/// cuts needs nothing that came before. The first is where the elements begin, the last the end. Fewer, where
/// elements go across such a place. Throws an Error that starts with `who` when the stream is damaged.
/// (format_description.txt of Snappy)
std::vector<SnappyCut> snappy_cuts(Bytes packed, const std::string& who);

/// What comes out between two cuts, of whose stream `packed` are the bytes. Nothing when it needs what came
/// before all the same, or is damaged.
std::optional<Buffer> decompress_between(const SnappyCut& first, const SnappyCut& last, Bytes packed);

/// Where the values of a page of byte arrays in PLAIN form are whose bytes SNAPPY has compressed.
struct SnappyPage {
  std::vector<SnappyCut> cuts;
  std::vector<Span> spans;  ///< in what is decompressed
};

/// Goes through such a page of `present` values once, block by block: no more of it is in memory at a time. A
/// checksum that is there must be right. A page whose blocks need one another has no cuts but its ends, and
/// is in memory whole.
SnappyPage index_snappy_page(const engine::File& file, const Page& page, Index present,
                             const std::string& who);

/// The bytes of one of its values.
Buffer read_value(const engine::File& file, const Page& page, const SnappyPage& index, std::size_t value,
                  const std::string& who);

}  // namespace data::parquet
