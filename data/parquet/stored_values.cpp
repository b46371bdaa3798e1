#include "data/parquet/stored_values.h"

#include <algorithm>
#include <utility>

#include "data/parquet/codecs.h"
#include "data/parquet/column.h"

namespace data::parquet {

StoredValues::StoredValues(std::vector<Part> parts) : parts_(std::move(parts)) {
  std::size_t rows = 0;
  for (const Part& part : parts_) rows += static_cast<std::size_t>(part.footer->rows);
  check(rows <= static_cast<std::size_t>(kMaxRows), "the", parts_.size(), "Parquet files have", rows,
        "rows together; at most", kMaxRows, "are read");
  for (std::uint32_t part = 0; part < parts_.size(); ++part) {
    const Column& column = parts_[part].footer->columns[parts_[part].column];
    check(column.type == Physical::byte_array, parts_[part].file->path() + ":", "column", column.name(), "is",
          parquet::name_of(column.type) + "; bytes are BYTE_ARRAY");
    for (std::uint32_t group = 0; group < parts_[part].footer->groups.size(); ++group) add_group(part, group);
  }
  pages_.set_limit(kept_);
  rows_.shrink_to_fit();
  sources_.shrink_to_fit();
}

void StoredValues::add_group(std::uint32_t part, std::uint32_t group) {
  const engine::File& file = *parts_[part].file;
  const Footer& footer = *parts_[part].footer;
  const std::size_t column = parts_[part].column;
  const Chunk& chunk = footer.groups[group].chunks[column];
  Pages pages(file, footer.columns[column], chunk, chunk_name(file, footer.columns[column], group));
  std::optional<std::uint32_t> dictionary;
  std::size_t whole_bytes = 0;
  while (const auto page = pages.next()) {
    const std::string who = pages.where(*page);
    const bool plain = page->codec == Codec::uncompressed;
    const bool is_source = !page->header.in_dictionary() || !page->header.has_values();
    // Whether a compressed page has nulls is known only where its header or the chunk counts them.
    const bool whole = page->definition == 0 || page->header.nulls == 0 || chunk.nulls == 0;
    PageContent content;
    content.present = page->header.values;
    if (!is_source || (!plain && !whole))
      content = read_page(file, *page, who);
    else if (plain)
      content = read_levels(file, *page, who);

    std::uint32_t source = 0;
    if (is_source) {
      source = add_source(part, group, *page, content, who);
      if (!plain && page->codec != Codec::snappy) {
        ++whole_pages_;
        whole_bytes += page->header.bytes;
        kept_ = std::max(kept_, page->header.bytes);
      }
    }
    if (!page->header.has_values()) {
      dictionary = source;
      continue;
    }
    std::vector<std::uint32_t> positions;
    if (!is_source) {
      source = dictionary.value();
      positions = dictionary_positions(content.values(), content.present, sources_[source].present, who);
    }
    std::uint32_t next = 0;
    auto null = content.nulls.begin();
    for (Index row = 0; row < page->header.values; ++row) {
      const bool is_null = null != content.nulls.end() && *null == row;
      if (is_null) ++null;
      rows_.push_back({source, is_null ? kNull : is_source ? next++ : positions[next++]});
    }
  }
  whole_bytes_ += whole_bytes;
  kept_ = std::max(kept_, std::min(whole_bytes, kMostKept));
}

std::uint32_t StoredValues::add_source(std::uint32_t part, std::uint32_t group, const Page& page,
                                       const PageContent& levels, const std::string& who) {
  Source source{part, group, page, page.offset + levels.values_at, {}, levels.present};
  if (page.codec == Codec::uncompressed)
    source.spans = plain_spans(*parts_[part].file, page, levels, who);
  else
    check(page.header.bytes <= kMaxPage && page.header.packed_bytes <= kMaxPage, who, "has",
          page.header.bytes, "bytes to be decompressed; at most", kMaxPage, "are read");
  sources_.push_back(std::move(source));
  return static_cast<std::uint32_t>(sources_.size() - 1);
}

std::string StoredValues::name_of(const Source& source) const {
  const Part& part = parts_[source.part];
  return engine::say(chunk_name(*part.file, part.footer->columns[part.column], source.group),
                     "the page at byte", source.page.offset);
}

Buffer StoredValues::value(Index row) const {
  const Row& where = at(row);
  check(where.value != kNull, "row", row, "has no value");
  const Source& source = sources_[where.page];
  if (source.page.codec == Codec::uncompressed) {
    const Span span = source.spans[where.value];
    Buffer bytes(span.size);
    parts_[source.part].file->read_at(source.values_at + span.offset, bytes);
    return bytes;
  }
  if (source.page.codec == Codec::snappy) {
    const engine::File& file = *parts_[source.part].file;
    const std::string who = name_of(source);
    const auto index = snappy_pages_.get(where.page, 0, [&] {
      return std::make_shared<const SnappyPage>(index_snappy_page(file, source.page, source.present, who));
    });
    return read_value(file, source.page, *index, where.value, who);
  }
  const auto page = pages_.get(where.page, source.page.header.bytes, [&] { return decompress(source); });
  const Span span = page->spans[where.value];
  const Bytes bytes = page->content.values().subspan(span.offset, span.size);
  return {bytes.begin(), bytes.end()};
}

std::shared_ptr<const StoredValues::Decompressed> StoredValues::decompress(const Source& source) const {
  constexpr std::size_t large = std::size_t{16} << 20;
  std::unique_lock alone(large_, std::defer_lock);
  if (source.page.header.bytes > large) alone.lock();
  const std::string who = name_of(source);
  auto page = std::make_shared<Decompressed>();
  page->content = read_page(*parts_[source.part].file, source.page, who);
  check(page->content.present == source.present, who, "is damaged: it has", page->content.present,
        "values where", source.present, "are announced");
  page->spans = plain_spans(page->content.values(), source.present, who);
  return page;
}

}  // namespace data::parquet
