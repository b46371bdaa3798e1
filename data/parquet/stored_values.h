#pragma once

#include <future>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "data/parquet/page.h"

namespace data::parquet {

/// The values of a column of byte arrays in several files, row by row, any at any time: images in the order
/// of a shuffled epoch. Several threads may read at once.
///
/// Opening it goes through the headers of all pages and keeps where each row's value is, 16 bytes a row, and
/// no value. A value of a page that is not compressed, as the datasets library writes images, is then one
/// read of its own bytes. A value of a compressed page costs the page, which is decompressed whole: pages
/// have about a megabyte, or a hundred where DuckDB wrote them. Pages that were decompressed last are kept,
/// as many as have the bytes of one row group and at most kMostKept. So an epoch in order decompresses every
/// page once; a shuffled one decompresses a page for nearly every image, unless a row group holds all images.
class StoredValues {
 public:
  static constexpr std::size_t kMostKept = std::size_t{256} << 20;  ///< bytes of decompressed pages

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
  std::vector<std::byte> value(Index row) const;

  /// Of all pages with values that are compressed, how many there are and their bytes without compression.
  Index compressed_pages() const { return compressed_pages_; }
  std::size_t compressed_bytes() const { return compressed_bytes_; }
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
  using Shared = std::shared_future<std::shared_ptr<const Decompressed>>;

  const Row& at(Index row) const { return rows_[static_cast<std::size_t>(row)]; }
  void add_group(std::uint32_t part, std::uint32_t group);
  std::uint32_t add_source(std::uint32_t part, std::uint32_t group, const Page& page,
                           const PageContent& levels, const std::string& who);
  std::string name_of(const Source& source) const;
  std::shared_ptr<const Decompressed> decompressed(std::uint32_t page) const;
  std::shared_ptr<const Decompressed> decompress_now(const Source& source) const;

  std::vector<Part> parts_;
  std::vector<Row> rows_;
  std::vector<Source> sources_;
  Index compressed_pages_ = 0;
  std::size_t compressed_bytes_ = 0, kept_ = 0;

  // Pages that were asked for last come first.
  struct Kept {
    Shared page;
    std::list<std::uint32_t>::iterator place;
  };
  mutable std::mutex mutex_;
  mutable std::unordered_map<std::uint32_t, Kept> cache_;
  mutable std::list<std::uint32_t> order_;
  mutable std::size_t cached_bytes_ = 0;
};

}  // namespace data::parquet
