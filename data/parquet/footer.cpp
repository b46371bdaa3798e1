#include "data/parquet/footer.h"

#include <algorithm>
#include <utility>

#include "data/codecs/bytes.h"
#include "engine/base/text.h"
#include "engine/io/in_quotes.h"

namespace data::parquet {
namespace {

using Type = CompactReader::Type;

constexpr std::uint64_t kMagic = 4, kEnd = 8;   // "PAR1"; the footer's length and "PAR1"
constexpr std::uint64_t kMaxFooter = 32 << 20;  // some hundred thousand chunks
constexpr std::size_t kMaxElements = 10'000;    // of a schema
constexpr int kMaxFields = 64;                  // on the path to a column
constexpr int kMaxEnum = 100;

/// An element of the schema as it lies in the file: the tree from the root down, each before its children.
struct Element {
  std::string name;
  std::optional<Physical> type;  // of a leaf
  int repetition = 0;            // required, optional, repeated
  Index children = 0;
  bool text = false;
};

/// An enum of which numbers may be added: those that are not known have no name.
template <class Enum>
Enum read_enum(CompactReader& reader, Type type) {
  return static_cast<Enum>(reader.integer(type, 0, kMaxEnum));
}

Element read_element(CompactReader& reader) {
  constexpr int utf8 = 0;         // of ConvertedType
  constexpr int string_type = 1;  // of LogicalType
  Element element;
  reader.structure([&](int id, Type type) {
    switch (id) {
      case 1:
        element.type = read_enum<Physical>(reader, type);
        return true;
      case 3:
        element.repetition = static_cast<int>(reader.integer(type, 0, 2));
        return true;
      case 4:
        element.name = reader.text(type);
        return true;
      case 5:
        element.children = reader.integer(type, 0, kMaxElements);
        return true;
      case 6:
        element.text |= reader.integer(type, 0, kMaxEnum) == utf8;
        return true;
      case 10:
        reader.expect_structure(type);
        reader.structure([&](int logical, Type) {
          element.text |= logical == string_type;
          return false;
        });
        return true;
      default:
        return false;
    }
  });
  return element;
}

/// The leaves of the tree that the elements are.
std::vector<Column> leaves_of(const std::vector<Element>& elements, const std::string& who) {
  struct Open {
    Index left;  // children to come
    Column inside;
  };
  check(!elements.empty() && !elements[0].type, who, "its schema has no root");
  std::vector<Open> open{{elements[0].children, {}}};
  std::vector<Column> leaves;
  for (std::size_t i = 1; i < elements.size(); ++i) {
    const Element& element = elements[i];
    while (!open.empty() && open.back().left == 0) open.pop_back();
    check(!open.empty(), who, "its schema has elements outside the root");
    --open.back().left;
    Column column = open.back().inside;
    column.path.push_back(element.name);
    column.definition += element.repetition > 0;
    column.repeated |= element.repetition == 2;
    check(column.path.size() <= kMaxFields, who, "its schema is more than", kMaxFields, "fields deep");
    if (element.type) {
      check(element.children == 0, who, "its schema has a leaf with children");
      column.type = *element.type;
      column.text = element.text;
      leaves.push_back(std::move(column));
    } else {
      open.push_back({element.children, std::move(column)});
    }
  }
  for (const Open& group : open) check(group.left == 0, who, "its schema is cut off");
  return leaves;
}

std::optional<Index> read_null_count(CompactReader& reader) {
  std::optional<Index> nulls;
  reader.structure([&](int id, Type type) {
    if (id == 3) nulls = reader.natural(type);
    return id == 3;
  });
  return nulls;
}

/// ColumnMetaData.
void read_chunk_metadata(CompactReader& reader, const Column& column, Chunk& chunk) {
  Index pages = -1, dictionary = 0, bytes = -1, values = -1;
  bool has_codec = false;
  reader.structure([&](int id, Type type) {
    switch (id) {
      case 1:
        if (read_enum<Physical>(reader, type) != column.type)
          reader.refuse("column " + column.name() + " is of another type than in the schema");
        return true;
      case 4:
        chunk.codec = read_enum<Codec>(reader, type);
        return has_codec = true;
      case 5:
        values = reader.natural(type);
        return true;
      case 7:
        bytes = reader.natural(type);
        return true;
      case 9:
        pages = reader.natural(type);
        return true;
      case 11:
        dictionary = reader.natural(type);
        return true;
      case 12:
        reader.expect_structure(type);
        chunk.nulls = read_null_count(reader);
        return true;
      default:
        return false;
    }
  });
  if (pages < 0 || bytes < 0 || values < 0 || !has_codec)
    reader.refuse("column " + column.name() +
                  " lacks its codec, its place, its size or its number of values");
  // Some writers set 0 where there is no dictionary.
  chunk.offset = static_cast<std::uint64_t>(dictionary > 0 ? std::min(dictionary, pages) : pages);
  chunk.bytes = static_cast<std::uint64_t>(bytes);
  chunk.values = values;
}

Chunk read_chunk(CompactReader& reader, const Column& column, std::uint64_t end) {
  Chunk chunk;
  bool has_metadata = false;
  reader.structure([&](int id, Type type) {
    switch (id) {
      case 1:
        reader.refuse("column " + column.name() + " lies in another file, which is not read");
      case 3:
        reader.expect_structure(type);
        read_chunk_metadata(reader, column, chunk);
        return has_metadata = true;
      case 8:
      case 9:
        chunk.encrypted = true;
        return false;
      default:
        return false;
    }
  });
  if (chunk.encrypted && !has_metadata) return chunk;
  if (!has_metadata) reader.refuse("column " + column.name() + " has no metadata");
  if (chunk.offset < kMagic || chunk.offset > end || chunk.bytes > end - chunk.offset)
    reader.refuse(engine::say("column", column.name(), "has", chunk.bytes, "bytes at", chunk.offset,
                              "where the pages of the file end at", end));
  return chunk;
}

RowGroup read_group(CompactReader& reader, const std::vector<Column>& columns, std::uint64_t end) {
  RowGroup group;
  Index rows = -1;
  reader.structure([&](int id, Type type) {
    if (id == 1) {
      reader.list(type, [&](Type element) {
        reader.expect_structure(element);
        if (group.chunks.size() == columns.size())
          reader.refuse("a row group has more columns than the schema");
        group.chunks.push_back(read_chunk(reader, columns[group.chunks.size()], end));
        return true;
      });
      return true;
    }
    if (id == 3) rows = reader.integer(type, 0, kMaxRows);
    return id == 3;
  });
  if (rows < 0) reader.refuse("a row group lacks its number of rows");
  if (group.chunks.size() != columns.size()) reader.refuse("a row group lacks columns of the schema");
  group.rows = rows;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const Chunk& chunk = group.chunks[i];
    if (!columns[i].repeated && !chunk.encrypted && chunk.values != rows)
      reader.refuse(
          engine::say("column", columns[i].name(), "has", chunk.values, "values for", rows, "rows"));
  }
  return group;
}

void read_key_value(CompactReader& reader, std::map<std::string, std::string>& metadata) {
  std::string key, value;
  reader.structure([&](int id, Type type) {
    if (id == 1) key = reader.text(type);
    if (id == 2) value = reader.text(type);
    return id == 1 || id == 2;
  });
  metadata.emplace(std::move(key), std::move(value));
}

}  // namespace

std::string Column::name() const {
  return engine::join(path, ".");
}

std::optional<std::size_t> Footer::find(std::string_view name) const {
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (columns[i].name() == name) return i;
  return std::nullopt;
}

Footer read_footer(const engine::File& file) {
  const std::string who = file.path() + ":";
  std::byte start[kMagic], last[kEnd];
  const auto text = [](std::span<const std::byte> bytes) {
    return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  check(file.size() >= kMagic + kEnd, who, "is not a Parquet file: it has", file.size(), "bytes");
  file.read_at(0, start);
  file.read_at(file.size() - kEnd, last);
  const std::string_view magic = text(std::span(last).last(kMagic));
  check(magic != "PARE", who, "is encrypted; only Parquet files in the clear are read");
  check(text(start) == "PAR1", who, "is not a Parquet file: it does not begin with PAR1");
  check(magic == "PAR1", who,
        "is a damaged Parquet file: it does not end with PAR1, so that it is cut off or goes on");
  const std::uint64_t size = little_endian(last, 0, 4);
  check(size <= file.size() - kMagic - kEnd, who, "is a damaged Parquet file: it claims a footer of", size,
        "bytes");
  check(size <= kMaxFooter, who, "has a footer of",
        engine::human_bytes(static_cast<double>(size)) + "; at most",
        engine::human_bytes(static_cast<double>(kMaxFooter)), "are read");
  const std::uint64_t end = file.size() - kEnd - size;
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  file.read_at(end, bytes);

  CompactReader reader(bytes, who + " its footer");
  Footer footer;
  std::vector<Element> elements;
  bool has_schema = false;
  Index rows = -1, in_groups = 0;
  reader.structure([&](int id, Type type) {
    switch (id) {
      case 2:
        reader.list(type, [&](Type element) {
          reader.expect_structure(element);
          if (elements.size() == kMaxElements) reader.refuse("its schema has too many elements");
          elements.push_back(read_element(reader));
          return true;
        });
        footer.columns = leaves_of(elements, who);
        return has_schema = true;
      case 3:
        rows = reader.integer(type, 0, kMaxRows);
        return true;
      case 4:
        if (!has_schema) reader.refuse("has its row groups before its schema");
        reader.list(type, [&](Type element) {
          reader.expect_structure(element);
          footer.groups.push_back(read_group(reader, footer.columns, end));
          in_groups += footer.groups.back().rows;
          return true;
        });
        return true;
      case 5:
        reader.list(type, [&](Type element) {
          reader.expect_structure(element);
          read_key_value(reader, footer.metadata);
          return true;
        });
        return true;
      default:
        return false;
    }
  });
  check(has_schema, who, "its footer has no schema");
  check(!footer.columns.empty(), who, "has no columns");
  check(rows <= static_cast<Index>(file.size()), who, "claims", rows, "rows, more than it has bytes");
  check(rows == in_groups, who, "its footer says that there are", rows, "rows, and its row groups have",
        in_groups);
  footer.rows = rows;
  return footer;
}

}  // namespace data::parquet
