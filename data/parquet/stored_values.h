#pragma once

#include <memory>
#include <mutex>

#include "data/parquet/page.h"
#include "data/parquet/shared_cache.h"
#include "data/parquet/snappy_page.h"

namespace data::parquet {

/// The values of a column of byte arrays in several files, row by row, any at any time: images in the order
/// of a shuffled epoch. Several threads may read at once.
///
/// Opening it goes through the headers of all pages and keeps where each row's value is, at most 16 bytes a
/// row, and no value. What a value costs then goes by the codec of its page:
/// - none, as the datasets library writes images: one read of the value's own bytes.
/// - SNAPPY, which pyarrow, DuckDB and most of the hub's files have: the blocks of 64 KiB that the value lies
///   in. The first value of a page costs the page, which is gone through once to learn where its values and
///   its blocks are.
/// - GZIP, ZSTD: the whole page, which pyarrow makes of up to 1,024 rows and DuckDB of 100 MB. Pages that
///   were decompressed last are kept, as many as have the bytes of one row group and at most kMostKept. So an
///   epoch in order decompresses every page once; a shuffled one does so for nearly every image, unless the
///   pages of all row groups are kept.
class StoredValues {
 public:
  static constexpr std::size_t kMostKept = std::size_t{1} << 30;  ///< bytes of decompressed pages

  /// A file with its footer, and which of its columns is read.
  struct Part {
    std::shared_ptr<const engine::File> file;
    std::shared_ptr<const Footer> footer;
    std::size_t column;
  };
  /// Throws an Error that names file, column and row group when a page cannot be read.
  explicit StoredValues(std::vector<Part> parts);

  Index size() const { return static_cast<Index>(rows_.size()); }
  /// True when the row has none.
  bool is_null(Index row) const { return at(row).value == kNull; }

  /// The bytes of a row that is not null. Throws an Error that names file, column and row group.
  Buffer value(Index row) const;

  /// Of the pages that are decompressed whole, how many there are and their bytes without compression.
  Index whole_pages() const { return whole_pages_; }
  std::size_t whole_bytes() const { return whole_bytes_; }
  /// The most bytes of decompressed pages that are kept.
  std::size_t kept_bytes() const { return kept_; }

 private:
  static constexpr std::uint32_t kNull = UINT32_MAX;
  struct Row {
    std::uint32_t page, value;  // in pages_, and among the values of the page
  };
  /// A page that holds values: one of PLAIN values, or a dictionary.
  struct Source {
    std::uint32_t part;
    std::uint32_t group;
    Page page;
    std::uint64_t values_at;  // in the file, where it is not compressed
    std::vector<Span> spans;  // where it is not compressed
    Index present;            // values
  };
  struct Decompressed {
    PageContent content;
    std::vector<Span> spans;
  };

  const Row& at(Index row) const { return rows_[static_cast<std::size_t>(row)]; }
  void add_group(std::uint32_t part, std::uint32_t group);
  std::uint32_t add_source(std::uint32_t part, std::uint32_t group, const Page& page,
                           const PageContent& levels, const std::string& who);
  std::string name_of(const Source& source) const;
  std::shared_ptr<const Decompressed> decompress(const Source& source) const;

  std::vector<Part> parts_;
  std::vector<Row> rows_;
  std::vector<Source> sources_;
  Index whole_pages_ = 0;
  std::size_t whole_bytes_ = 0, kept_ = 0;
  mutable SharedCache<Decompressed> pages_;
  mutable SharedCache<SnappyPage> snappy_pages_;
  mutable std::mutex large_;  // one large page at a time is decompressed
};

}  // namespace data::parquet
