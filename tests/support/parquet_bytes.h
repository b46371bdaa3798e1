#pragma once

#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace support {

/// Writes Thrift's compact protocol.
class CompactWriter {
 public:
  std::string bytes;

  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
    bytes += static_cast<char>(value);
  }
  void zigzag(std::int64_t value) {
    varint(static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63));
  }
  /// A field's header; types are those of CompactReader::Type.
  void field(int id, int type) {
    const int step = id - last_.back();
    if (step > 0 && step < 16) {
      bytes += static_cast<char>(step << 4 | type);
    } else {
      bytes += static_cast<char>(type);
      zigzag(id);
    }
    last_.back() = id;
  }
  void number(int id, std::int64_t value, int type = 6) { field(id, type), zigzag(value); }
  void boolean(int id, bool value) { field(id, value ? 1 : 2); }
  void raw_text(const std::string& value) { varint(value.size()), bytes += value; }
  void text(int id, const std::string& value) { field(id, 8), raw_text(value); }
  void list(int id, int element, std::size_t count) {
    field(id, 9);
    bytes += static_cast<char>(std::min<std::size_t>(count, 15) << 4 | static_cast<std::size_t>(element));
    if (count >= 15) varint(count);
  }
  void open() { last_.push_back(0); }
  void open(int id) { field(id, 12), open(); }
  void close() { bytes += '\0', last_.pop_back(); }

 private:
  std::vector<int> last_{0};
};

/// What goes into a column of a Parquet file. Numbers are the enums' of parquet.thrift.
struct ParquetColumn {
  std::string name;  ///< "image.bytes": a field of the group image, which columns before or behind it share
  std::vector<std::optional<std::string>> values = {};  ///< byte arrays, or numbers by int64_of and int32_of
  int type = 6;                                         ///< BYTE_ARRAY
  bool required = false;                                ///< no field on its path may be null
  int codec = 0;                                        ///< UNCOMPRESSED; 1 SNAPPY, 2 GZIP, 6 ZSTD
  int version = 1;                                      ///< of data pages
  bool dictionary = false;
  std::size_t falls_back_after = SIZE_MAX;  ///< so many pages, to PLAIN
  std::size_t rows_a_page = 1000;
  bool checksums = false;
  bool null_count = false;  ///< in the statistics of chunks
  bool text = false;        ///< marked as UTF-8
  int encoding = -1;        ///< a claim about data pages; -1: the truth
  bool compressed_v2 = true;
  bool far_copies = false;  ///< SNAPPY as no encoder writes it: see far_snappy_of
};

struct ParquetFile {
  std::vector<ParquetColumn> columns;
  std::size_t rows_a_group = 1000;
  std::map<std::string, std::string> metadata = {};
};

inline std::string int64_of(std::int64_t value) {
  std::string text;
  for (int i = 0; i < 8; ++i) text += static_cast<char>(value >> 8 * i & 0xff);
  return text;
}
inline std::string int32_of(std::int32_t value) {
  return int64_of(value).substr(0, 4);
}

inline std::string compressed(int codec, const std::string& content) {
  if (codec == 1) {
    std::string packed(snappy_max_compressed_length(content.size()), '\0');
    std::size_t size = packed.size();
    snappy_compress(content.data(), content.size(), packed.data(), &size);
    return packed.substr(0, size);
  }
  if (codec == 2) {
    z_stream stream{};
    deflateInit2(&stream, 9, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY);
    std::string packed(deflateBound(&stream, content.size()), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
    stream.avail_in = static_cast<uInt>(content.size());
    stream.next_out = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_out = static_cast<uInt>(packed.size());
    deflate(&stream, Z_FINISH);
    packed.resize(stream.total_out);
    deflateEnd(&stream);
    return packed;
  }
  if (codec == 6) {
    std::string packed(ZSTD_compressBound(content.size()), '\0');
    packed.resize(ZSTD_compress(packed.data(), packed.size(), content.data(), content.size(), 3));
    return packed;
  }
  return content;
}

/// Snappy of two equal halves, the second of which is copied from the first, however far that is.
inline std::string far_snappy_of(const std::string& content) {
  const std::size_t half = content.size() / 2;
  CompactWriter out;
  out.varint(content.size());
  out.bytes += static_cast<char>(62 << 2);  // a literal, whose length has three bytes
  for (int i = 0; i < 3; ++i) out.bytes += static_cast<char>((half - 1) >> 8 * i & 0xff);
  out.bytes += content.substr(0, half);
  for (std::size_t at = half; at < content.size(); at += 64) {
    out.bytes += static_cast<char>((std::min<std::size_t>(64, content.size() - at) - 1) << 2 | 3);
    for (int i = 0; i < 4; ++i) out.bytes += static_cast<char>(half >> 8 * i & 0xff);
  }
  return out.bytes;
}

/// Numbers of `width` bits in the hybrid form, packed eight at a time, or each run of one number as such.
inline std::string hybrid_of(const std::vector<std::uint32_t>& numbers, int width, bool packed) {
  CompactWriter out;
  if (packed) {
    const std::size_t groups = (numbers.size() + 7) / 8;
    out.varint(groups << 1 | 1);
    std::string bits(groups * static_cast<std::size_t>(width), '\0');
    for (std::size_t i = 0; i < numbers.size(); ++i)
      for (std::size_t bit = 0; bit < static_cast<std::size_t>(width); ++bit) {
        const std::size_t at = i * static_cast<std::size_t>(width) + bit;
        if (numbers[i] >> bit & 1) bits[at / 8] = static_cast<char>(bits[at / 8] | 1 << at % 8);
      }
    return out.bytes + bits;
  }
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t end = i;
    while (end < numbers.size() && numbers[end] == numbers[i]) ++end;
    out.varint((end - i) << 1);
    for (int byte = 0; byte < (width + 7) / 8; ++byte)
      out.bytes += static_cast<char>(numbers[i] >> 8 * byte & 0xff);
    i = end;
  }
  return out.bytes;
}

/// The bytes of a Parquet file with these columns.
inline std::string parquet_of(const ParquetFile& file) {
  std::string out = "PAR1";
  const std::size_t rows = file.columns.empty() ? 0 : file.columns[0].values.size();
  const auto group_of = [](const ParquetColumn& column) {
    return column.name.substr(0, column.name.find('.'));
  };
  const auto depth_of = [](const ParquetColumn& column) {
    return column.name.find('.') == std::string::npos ? 1 : 2;
  };
  const auto plain = [](const ParquetColumn& column, const std::string& value) {
    return column.type == 6 ? int32_of(static_cast<std::int32_t>(value.size())) + value : value;
  };

  CompactWriter footer;
  footer.number(1, 2, 5);
  std::size_t elements = 1, top = 0;
  for (std::size_t c = 0; c < file.columns.size(); ++c) {
    const bool begins = c == 0 || group_of(file.columns[c]) != group_of(file.columns[c - 1]);
    top += begins;
    elements += 1 + (begins && depth_of(file.columns[c]) == 2);
  }
  footer.list(2, 12, elements);
  footer.open(), footer.text(4, "schema"), footer.number(5, static_cast<std::int64_t>(top), 5),
      footer.close();
  for (std::size_t c = 0; c < file.columns.size(); ++c) {
    const ParquetColumn& column = file.columns[c];
    const bool begins = c == 0 || group_of(column) != group_of(file.columns[c - 1]);
    if (begins && depth_of(column) == 2) {
      const auto children = std::count_if(file.columns.begin(), file.columns.end(), [&](const auto& other) {
        return group_of(other) == group_of(column);
      });
      footer.open(), footer.number(3, column.required ? 0 : 1, 5), footer.text(4, group_of(column));
      footer.number(5, children, 5), footer.close();
    }
    footer.open(), footer.number(1, column.type, 5), footer.number(3, column.required ? 0 : 1, 5);
    footer.text(4, column.name.substr(column.name.find('.') + 1));
    if (column.text) footer.number(6, 0, 5);
    footer.close();
  }
  footer.number(3, static_cast<std::int64_t>(rows));
  const std::size_t groups = (rows + file.rows_a_group - 1) / file.rows_a_group;
  footer.list(4, 12, groups);
  for (std::size_t g = 0; g < groups; ++g) {
    const std::size_t begin = g * file.rows_a_group, end = std::min(rows, begin + file.rows_a_group);
    footer.open();
    footer.list(1, 12, file.columns.size());
    for (const ParquetColumn& column : file.columns) {
      const std::size_t chunk = out.size();
      const auto put_page = [&](int kind, const std::string& levels, const std::string& content,
                                std::size_t values, std::size_t nulls, int encoding) {
        const bool v2 = kind == 3, packs = !v2 || column.compressed_v2;
        const std::string whole = v2 ? content : levels + content;
        const std::string packed =
            (v2 ? levels : "") +
            (packs ? column.far_copies ? far_snappy_of(whole) : compressed(column.codec, whole) : whole);
        CompactWriter page;
        page.number(1, kind, 5);
        page.number(2, static_cast<std::int64_t>(levels.size() + content.size()), 5);
        page.number(3, static_cast<std::int64_t>(packed.size()), 5);
        if (column.checksums)
          page.number(4,
                      static_cast<std::int32_t>(
                          crc32_z(0, reinterpret_cast<const Bytef*>(packed.data()), packed.size())),
                      5);
        page.open(kind == 0 ? 5 : kind == 2 ? 7 : 8);
        page.number(1, static_cast<std::int64_t>(values), 5);
        if (v2) {
          page.number(2, static_cast<std::int64_t>(nulls), 5),
              page.number(3, static_cast<std::int64_t>(values), 5);
          page.number(4, encoding, 5), page.number(5, static_cast<std::int64_t>(levels.size()), 5);
          page.number(6, 0, 5), page.boolean(7, packs);
        } else {
          page.number(2, encoding, 5);
          if (kind == 0) page.number(3, 3, 5), page.number(4, 3, 5);
        }
        page.close();
        page.bytes += '\0';
        out += page.bytes + packed;
      };

      std::vector<std::string> dictionary;
      std::map<std::string, std::uint32_t> places;
      const std::size_t in_dictionary =
          column.falls_back_after > rows
              ? end
              : std::min(end, begin + column.falls_back_after * column.rows_a_page);
      if (column.dictionary) {
        std::string content;
        for (std::size_t i = begin; i < in_dictionary; ++i)
          if (column.values[i] && places.emplace(*column.values[i], dictionary.size()).second) {
            dictionary.push_back(*column.values[i]);
            content += plain(column, *column.values[i]);
          }
        put_page(2, "", content, dictionary.size(), 0, 0);
      }
      const std::size_t pages = out.size();
      std::size_t all_nulls = 0;
      for (std::size_t from = begin; from < end; from += column.rows_a_page) {
        const std::size_t to = std::min(end, from + column.rows_a_page);
        const bool coded = column.dictionary && from < in_dictionary;
        const auto highest = static_cast<std::uint32_t>(column.required ? 0 : depth_of(column));
        std::vector<std::uint32_t> defined, positions;
        std::string content;
        std::size_t nulls = 0;
        for (std::size_t i = from; i < to; ++i) {
          const auto& value = column.values[i];
          defined.push_back(value ? highest : 0);
          nulls += !value;
          if (value && coded) positions.push_back(places[*value]);
          if (value && !coded) content += plain(column, *value);
        }
        if (coded) {
          int width = 1;
          while (std::size_t{1} << width < dictionary.size()) ++width;
          content = static_cast<char>(width) + hybrid_of(positions, width, true);
        }
        std::string levels;
        if (highest > 0) levels = hybrid_of(defined, static_cast<int>(highest), false);
        if (highest > 0 && column.version == 1)
          levels = int32_of(static_cast<std::int32_t>(levels.size())) + levels;
        const int encoding = column.encoding >= 0 ? column.encoding : coded ? 8 : 0;
        put_page(column.version == 1 ? 0 : 3, levels, content, to - from, nulls, encoding);
        all_nulls += nulls;
      }

      footer.open();
      footer.number(2, 0);
      footer.open(3);
      footer.number(1, column.type, 5);
      footer.list(2, 5, 1), footer.zigzag(0);
      footer.list(3, 8, 1), footer.raw_text(column.name);
      footer.number(4, column.codec, 5);
      footer.number(5, static_cast<std::int64_t>(end - begin));
      footer.number(6, static_cast<std::int64_t>(out.size() - chunk));
      footer.number(7, static_cast<std::int64_t>(out.size() - chunk));
      footer.number(9, static_cast<std::int64_t>(pages));
      if (column.dictionary) footer.number(11, static_cast<std::int64_t>(chunk));
      if (column.null_count)
        footer.open(12), footer.number(3, static_cast<std::int64_t>(all_nulls)), footer.close();
      footer.close();
      footer.close();
    }
    footer.number(2, 0);
    footer.number(3, static_cast<std::int64_t>(end - begin));
    footer.close();
  }
  if (!file.metadata.empty()) {
    footer.list(5, 12, file.metadata.size());
    for (const auto& [key, value] : file.metadata)
      footer.open(), footer.text(1, key), footer.text(2, value), footer.close();
  }
  footer.bytes += '\0';
  return out + footer.bytes + int32_of(static_cast<std::int32_t>(footer.bytes.size())) + "PAR1";
}

}  // namespace support
