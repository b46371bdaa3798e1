#pragma once

#include <optional>
#include <string>
#include <vector>

#include "data/parquet/buffer.h"
#include "data/parquet/footer.h"

namespace data::parquet {

/// What stands before a page (PageHeader of parquet.thrift).
struct PageHeader {
  enum class Kind { data, index, dictionary, data_v2 };
  Kind kind = Kind::data;
  std::size_t bytes = 0, packed_bytes = 0;  ///< of the page; as it is stored
  std::optional<std::uint32_t> checksum;    ///< CRC-32 of what is stored
  Index values = 0;                         ///< with those that are null
  Encoding encoding = Encoding::plain;
  Encoding levels = Encoding::rle;  ///< of definition levels
  std::size_t level_bytes = 0;      ///< v2: definition levels stand before the values, never compressed
  std::optional<Index> nulls;       ///< v2
  bool compressed = true;           ///< v2: by the codec of the chunk; in v1 always

  bool has_values() const { return kind == Kind::data || kind == Kind::data_v2; }
  bool in_dictionary() const {
    return encoding == Encoding::rle_dictionary || encoding == Encoding::plain_dictionary;
  }
};

/// The header that `bytes` begin with, and in `size` how many bytes it has. Throws CutOff when there are
/// more.
PageHeader read_page_header(Bytes bytes, std::size_t& size, const std::string& who);

/// A page of a chunk and where it is.
struct Page {
  PageHeader header;
  std::uint64_t offset = 0;           ///< in the file, behind the header
  Codec codec = Codec::uncompressed;  ///< by which it is compressed
  int definition = 0;                 ///< the column's
  Index first_row = 0;                ///< in its group, of a page with values
};

/// Goes through the pages of a chunk, reading their headers alone. Pages of values are PLAIN or point into a
/// dictionary, which comes first; all others are refused by the names of what they are.
class Pages {
 public:
  /// `who` begins the errors: "x.parquet: column label, row group 0:".
  Pages(const engine::File& file, const Column& column, const Chunk& chunk, std::string who);

  /// The next page, a dictionary or values; nothing after the last. Together they have a value for every row.
  std::optional<Page> next();
  /// "x.parquet: column label, row group 0: the page at byte 1234"
  std::string where(const Page& page) const;

 private:
  PageHeader header_at(std::uint64_t offset, std::size_t& size) const;

  const engine::File& file_;
  const Column& column_;
  const Chunk& chunk_;
  std::string who_;
  std::uint64_t at_, end_;
  Index rows_ = 0;
  bool first_ = true, has_dictionary_ = false;
};

/// The content of a page, decompressed.
struct PageContent {
  Buffer bytes;
  std::size_t values_at = 0;         ///< where the values begin in them, behind the levels
  std::vector<std::uint32_t> nulls;  ///< rows of the page that have no value, ascending
  Index present = 0;                 ///< values

  Bytes values() const { return Bytes(bytes).subspan(values_at); }
};
/// Reads a page whole; a checksum that is there must be right. Errors start with `who`.
PageContent read_page(const engine::File& file, const Page& page, const std::string& who);

/// The levels of a page that is not compressed, and where its values begin: nothing else of it is read, and
/// `bytes` are none.
PageContent read_levels(const engine::File& file, const Page& page, const std::string& who);

/// Where a value of a page lies, counted from where its values begin.
struct Span {
  std::uint32_t offset = 0, size = 0;
};
/// The places of `count` byte arrays in PLAIN form, which fill `values`.
std::vector<Span> plain_spans(Bytes values, Index count, const std::string& who);
/// The same of a page that is not compressed. Of its bytes little more is read than the lengths of the
/// values.
std::vector<Span> plain_spans(const engine::File& file, const Page& page, const PageContent& levels,
                              const std::string& who);

/// The positions in a dictionary of `size` values that stand in a page.
std::vector<std::uint32_t> dictionary_positions(Bytes values, Index count, Index size,
                                                const std::string& who);

}  // namespace data::parquet
