#include "data/parquet/page.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>

#include "data/codecs/bytes.h"
#include "data/parquet/codecs.h"
#include "data/parquet/hybrid.h"

namespace data::parquet {
namespace {

using Type = CompactReader::Type;

Encoding read_encoding(CompactReader& reader, Type type) {
  constexpr int most = 100;
  return static_cast<Encoding>(reader.integer(type, 0, most));
}

/// DataPageHeader, DictionaryPageHeader.
void read_v1(CompactReader& reader, Type type, PageHeader& header) {
  reader.expect_structure(type);
  reader.structure([&](int id, Type of_field) {
    if (id == 1) header.values = reader.integer(of_field, 0, kMaxRows);
    if (id == 2) header.encoding = read_encoding(reader, of_field);
    if (id == 3 && header.kind == PageHeader::Kind::data) header.levels = read_encoding(reader, of_field);
    return id == 1 || id == 2 || (id == 3 && header.kind == PageHeader::Kind::data);
  });
}

/// DataPageHeaderV2.
void read_v2(CompactReader& reader, Type type, PageHeader& header) {
  reader.expect_structure(type);
  reader.structure([&](int id, Type of_field) {
    switch (id) {
      case 1:
        header.values = reader.integer(of_field, 0, kMaxRows);
        return true;
      case 2:
        header.nulls = reader.integer(of_field, 0, kMaxRows);
        return true;
      case 4:
        header.encoding = read_encoding(reader, of_field);
        return true;
      case 5:
        header.level_bytes = static_cast<std::size_t>(reader.integer(of_field, 0, INT32_MAX));
        return true;
      case 6:
        if (reader.integer(of_field, 0, INT32_MAX) > 0)
          reader.refuse("has repetition levels in a column without lists");
        return true;
      case 7:
        header.compressed = reader.boolean(of_field);
        return true;
      default:
        return false;
    }
  });
}

/// Reads definition levels into what is null. `levels` may go on behind them.
void read_nulls(Bytes levels, const Page& page, PageContent& content, const std::string& who) {
  const auto highest = static_cast<std::uint32_t>(page.definition);
  Hybrid hybrid(levels, static_cast<int>(std::bit_width(highest)), who);
  std::array<std::uint32_t, 1024> some;
  for (Index done = 0; done < page.header.values;) {
    const auto count = static_cast<std::size_t>(std::min<Index>(page.header.values - done, some.size()));
    hybrid.read(std::span(some).first(count));
    for (std::size_t i = 0; i < count; ++i) {
      check(some[i] <= highest, who, "is damaged: a definition level of", some[i], "where", highest,
            "is the highest");
      if (some[i] < highest)
        content.nulls.push_back(static_cast<std::uint32_t>(done) + static_cast<std::uint32_t>(i));
    }
    done += static_cast<Index>(count);
  }
  const auto nulls = static_cast<Index>(content.nulls.size());
  check(page.header.nulls.value_or(nulls) == nulls, who, "is damaged: it has", nulls, "nulls where",
        page.header.nulls.value_or(nulls), "are announced");
  content.present = page.header.values - nulls;
}

constexpr std::size_t kLength = 4;  // of the levels of v1, and of a byte array

/// The number of bytes of levels in v1, whose length stands before them.
std::size_t v1_level_bytes(Bytes start, std::size_t all, const std::string& who) {
  check(start.size() >= kLength, who, "is damaged: it is too short for its levels");
  const std::size_t bytes = little_endian(start, 0, kLength);
  check(bytes <= all - kLength, who, "is damaged: it claims", bytes, "bytes of levels and has", all);
  return bytes;
}

Buffer read_stored(const engine::File& file, const Page& page, const std::string& who) {
  check(page.header.packed_bytes <= kMaxPage, who, "has", page.header.packed_bytes, "bytes; at most",
        kMaxPage, "are read at once");
  Buffer stored(page.header.packed_bytes);
  file.read_at(page.offset, stored);
  if (page.header.checksum) {
    const auto crc = ::crc32_z(0, reinterpret_cast<const Bytef*>(stored.data()), stored.size());
    check(crc == *page.header.checksum, who, "is damaged: its checksum is another");
  }
  return stored;
}

}  // namespace

PageHeader read_page_header(Bytes bytes, std::size_t& size, const std::string& who) {
  CompactReader reader(bytes, who);
  PageHeader header;
  int has = 0;  // fields that every page needs
  bool described = false;
  reader.structure([&](int id, Type type) {
    const auto natural = [&] { return static_cast<std::size_t>(reader.integer(type, 0, INT32_MAX)); };
    switch (id) {
      case 1:
        header.kind = static_cast<PageHeader::Kind>(reader.integer(type, 0, 3));
        return ++has > 0;
      case 2:
        header.bytes = natural();
        return ++has > 0;
      case 3:
        header.packed_bytes = natural();
        return ++has > 0;
      case 4:
        header.checksum = static_cast<std::uint32_t>(reader.integer(type, INT32_MIN, INT32_MAX));
        return true;
      case 5:
      case 7:
        if (header.kind != (id == 5 ? PageHeader::Kind::data : PageHeader::Kind::dictionary)) return false;
        read_v1(reader, type, header);
        return described = true;
      case 8:
        if (header.kind != PageHeader::Kind::data_v2) return false;
        read_v2(reader, type, header);
        return described = true;
      default:
        return false;
    }
  });
  if (has != 3 || (!described && header.kind != PageHeader::Kind::index))
    reader.refuse("lacks its type, its size or its number of values");
  if (header.kind == PageHeader::Kind::data_v2 &&
      header.level_bytes > std::min(header.bytes, header.packed_bytes))
    reader.refuse("claims more levels than it has bytes");
  size = reader.used();
  return header;
}

Pages::Pages(const engine::File& file, const Column& column, const Chunk& chunk, std::string who)
    : file_(file), column_(column), chunk_(chunk), who_(std::move(who)) {
  check(!column.repeated, who_, "is a list, which is not read as one value a row");
  check(!chunk.encrypted, who_, "is encrypted; only columns in the clear are read");
  check_codec(chunk.codec, who_);
  at_ = chunk.offset;
  end_ = chunk.offset + chunk.bytes;
}

std::string Pages::where(const Page& page) const {
  return engine::say(who_, "the page at byte", page.offset);
}

PageHeader Pages::header_at(std::uint64_t offset, std::size_t& size) const {
  constexpr std::size_t most = 1 << 20;  // statistics in it may hold whole values
  const std::string who = engine::say(who_, "the page header at byte", offset);
  for (std::size_t count = 128;; count *= 16) {
    const auto window = static_cast<std::size_t>(std::min<std::uint64_t>(count, end_ - offset));
    std::vector<std::byte> bytes(window);
    file_.read_at(offset, bytes);
    try {
      return read_page_header(bytes, size, who);
    } catch (const CutOff&) {
      if (window < count || count > most) throw;
    }
  }
}

std::optional<Page> Pages::next() {
  // The last page is known by its values: some writers leave room behind it.
  while (rows_ < chunk_.values) {
    std::size_t size = 0;
    check(at_ < end_, who_, "is damaged: its pages have", rows_, "values where", chunk_.values,
          "are announced");
    Page page;
    page.header = header_at(at_, size);
    const PageHeader& header = page.header;
    page.offset = at_ + size;
    page.codec = header.compressed ? chunk_.codec : Codec::uncompressed;
    page.definition = column_.definition;
    page.first_row = rows_;
    check(header.packed_bytes <= end_ - page.offset, where(page), "is damaged: it claims",
          header.packed_bytes, "bytes, more than the column has");
    check(page.codec != Codec::uncompressed || header.bytes == header.packed_bytes, where(page),
          "is damaged: it is not compressed, but claims", header.packed_bytes, "bytes stored for",
          header.bytes);
    at_ = page.offset + header.packed_bytes;
    if (header.kind == PageHeader::Kind::index) continue;
    if (header.kind == PageHeader::Kind::dictionary) {
      check(first_, where(page), "is damaged: a dictionary that is not the first page");
      check(header.encoding == Encoding::plain || header.encoding == Encoding::plain_dictionary, where(page),
            "is a dictionary in", name_of(header.encoding) + ", which is not read; PLAIN is");
      page.definition = 0;
      first_ = false;
      has_dictionary_ = true;
      return page;
    }
    first_ = false;
    check(header.encoding == Encoding::plain || header.in_dictionary(), where(page), "is in",
          name_of(header.encoding) + ", which is not read; PLAIN and dictionaries are");
    check(!header.in_dictionary() || has_dictionary_, where(page),
          "is damaged: it points into a dictionary, and there is none");
    check(column_.definition == 0 || header.levels == Encoding::rle, where(page), "has levels in",
          name_of(header.levels) + ", which is not read; RLE is");
    check(column_.definition == 0 || header.kind != PageHeader::Kind::data_v2 || header.values == 0 ||
              header.level_bytes > 0,
          where(page), "is damaged: it lacks its levels");
    check(header.values <= chunk_.values - rows_, where(page),
          "is damaged: it has more values than are announced");
    rows_ += header.values;
    return page;
  }
  return std::nullopt;
}

PageContent read_page(const engine::File& file, const Page& page, const std::string& who) {
  const PageHeader& header = page.header;
  const Buffer stored = read_stored(file, page, who);
  PageContent content;
  content.present = header.values;
  if (header.kind == PageHeader::Kind::data_v2) {
    content.bytes = decompress(page.codec, Bytes(stored).subspan(header.level_bytes),
                               header.bytes - header.level_bytes, who);
    if (page.definition > 0) read_nulls(Bytes(stored).first(header.level_bytes), page, content, who);
    return content;
  }
  content.bytes = decompress(page.codec, stored, header.bytes, who);
  if (page.definition == 0) return content;
  const std::size_t levels = v1_level_bytes(content.bytes, content.bytes.size(), who);
  content.values_at = kLength + levels;
  read_nulls(Bytes(content.bytes).subspan(kLength, levels), page, content, who);
  return content;
}

PageContent read_levels(const engine::File& file, const Page& page, const std::string& who) {
  const PageHeader& header = page.header;
  PageContent content;
  content.present = header.values;
  std::size_t at = 0, count = header.level_bytes;
  if (header.kind != PageHeader::Kind::data_v2 && page.definition > 0) {
    std::array<std::byte, kLength> length;
    check(header.bytes >= kLength, who, "is damaged: it is too short for its levels");
    file.read_at(page.offset, length);
    count = v1_level_bytes(length, header.bytes, who);
    at = kLength;
  }
  content.values_at = at + count;
  if (page.definition == 0) return content;
  std::vector<std::byte> levels(count);
  file.read_at(page.offset + at, levels);
  read_nulls(levels, page, content, who);
  return content;
}

std::vector<Span> plain_spans(Bytes values, Index count, const std::string& who) {
  std::vector<Span> spans;
  check(static_cast<std::size_t>(count) <= values.size() / kLength, who, "is damaged:", values.size(),
        "bytes for", count, "values");
  spans.reserve(static_cast<std::size_t>(count));
  std::size_t at = 0;
  for (Index i = 0; i < count; ++i) {
    check(values.size() - at >= kLength, who, "is damaged: its values go beyond its end");
    const std::size_t size = little_endian(values, at, kLength);
    at += kLength;
    check(size <= values.size() - at, who, "is damaged: its values go beyond its end");
    spans.push_back({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(size)});
    at += size;
  }
  check(at == values.size(), who, "is damaged: bytes follow its values");
  return spans;
}

std::vector<Span> plain_spans(const engine::File& file, const Page& page, const PageContent& levels,
                              const std::string& who) {
  constexpr std::size_t piece = 4096;
  const std::size_t all = page.header.bytes - levels.values_at;
  const std::uint64_t start = page.offset + levels.values_at;
  check(static_cast<std::size_t>(levels.present) <= all / kLength, who, "is damaged:", all, "bytes for",
        levels.present, "values");
  std::vector<Span> spans;
  spans.reserve(static_cast<std::size_t>(levels.present));
  std::array<std::byte, piece> window;
  std::size_t at = 0, from = 0, to = 0;  // the window has the bytes [from, to)
  for (Index i = 0; i < levels.present; ++i) {
    check(all - at >= kLength, who, "is damaged: its values go beyond its end");
    if (at < from || at + kLength > to) {
      from = at;
      to = std::min(all, at + piece);
      file.read_at(start + from, std::span(window).first(to - from));
    }
    const std::size_t size = little_endian(window, at - from, kLength);
    at += kLength;
    check(size <= all - at, who, "is damaged: its values go beyond its end");
    spans.push_back({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(size)});
    at += size;
  }
  check(at == all, who, "is damaged: bytes follow its values");
  return spans;
}

std::vector<std::uint32_t> dictionary_positions(Bytes values, Index count, Index size,
                                                const std::string& who) {
  std::vector<std::uint32_t> positions(static_cast<std::size_t>(count));
  if (count == 0) return positions;
  check(!values.empty(), who, "is damaged: it is too short for its values");
  Hybrid(values.subspan(1), std::to_integer<int>(values[0]), who).read(positions);
  for (const std::uint32_t position : positions)
    check(position < static_cast<std::uint64_t>(size), who, "is damaged: it points at value", position,
          "of a dictionary of", size);
  return positions;
}

}  // namespace data::parquet
