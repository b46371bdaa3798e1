#include "data/parquet/column.h"

#include <bit>
#include <cstring>

namespace data::parquet {
namespace {

template <class Value>
using Take = std::function<void(Index row, const Value* value)>;

/// Whole numbers of the width that T has, in PLAIN form.
template <class T>
std::vector<std::int64_t> plain_integers(Bytes values, Index count, const std::string& who) {
  static_assert(std::endian::native == std::endian::little);
  const auto size = static_cast<std::size_t>(count);
  check(values.size() == size * sizeof(T), who, "is damaged:", values.size(), "bytes for", count, "values");
  std::vector<std::int64_t> numbers(size);
  for (std::size_t i = 0; i < size; ++i) {
    T number;
    std::memcpy(&number, values.data() + i * sizeof(T), sizeof(T));
    numbers[i] = number;
  }
  return numbers;
}

std::vector<std::string_view> plain_texts(Bytes values, Index count, const std::string& who) {
  std::vector<std::string_view> texts;
  for (const Span& span : plain_spans(values, count, who))
    texts.emplace_back(reinterpret_cast<const char*>(values.data()) + span.offset, span.size);
  return texts;
}

/// Reads the pages of a chunk, whose PLAIN values `parse` understands.
template <class Value, class Parse>
void read_column(const engine::File& file, const Footer& footer, std::size_t column, std::size_t group,
                 Parse parse, const Take<Value>& take) {
  Pages pages(file, footer.columns[column], footer.groups[group].chunks[column],
              chunk_name(file, footer.columns[column], group));
  PageContent dictionary;
  std::vector<Value> known;  // the dictionary's values
  while (const auto page = pages.next()) {
    const std::string who = pages.where(*page);
    PageContent content = read_page(file, *page, who);
    if (!page->header.has_values()) {
      dictionary = std::move(content);
      known = parse(dictionary.values(), page->header.values, who);
      continue;
    }
    std::vector<std::uint32_t> positions;
    std::vector<Value> values;
    if (page->header.in_dictionary())
      positions =
          dictionary_positions(content.values(), content.present, static_cast<Index>(known.size()), who);
    else
      values = parse(content.values(), content.present, who);
    std::size_t next = 0;
    auto null = content.nulls.begin();
    for (Index row = 0; row < page->header.values; ++row) {
      if (null != content.nulls.end() && *null == row) {
        ++null;
        take(page->first_row + row, nullptr);
        continue;
      }
      take(page->first_row + row, positions.empty() ? &values[next] : &known[positions[next]]);
      ++next;
    }
  }
}

}  // namespace

std::string chunk_name(const engine::File& file, const Column& column, std::size_t group) {
  return engine::say(file.path() + ":", "column", column.name() + ",", "row group",
                     std::to_string(group) + ":");
}

void read_integers(const engine::File& file, const Footer& footer, std::size_t column, std::size_t group,
                   const Take<std::int64_t>& take) {
  const Physical type = footer.columns[column].type;
  check(type == Physical::int32 || type == Physical::int64, chunk_name(file, footer.columns[column], group),
        "is", name_of(type) + "; whole numbers are INT32 or INT64");
  read_column<std::int64_t>(
      file, footer, column, group,
      type == Physical::int32 ? plain_integers<std::int32_t> : plain_integers<std::int64_t>, take);
}

void read_texts(const engine::File& file, const Footer& footer, std::size_t column, std::size_t group,
                const Take<std::string_view>& take) {
  const Physical type = footer.columns[column].type;
  check(type == Physical::byte_array, chunk_name(file, footer.columns[column], group), "is",
        name_of(type) + "; texts are BYTE_ARRAY");
  read_column<std::string_view>(file, footer, column, group, plain_texts, take);
}

}  // namespace data::parquet
