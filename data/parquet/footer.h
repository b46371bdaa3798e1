#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/parquet/compact.h"
#include "data/parquet/format.h"
#include "engine/io/file.h"

namespace data::parquet {

/// A column with values: a leaf of the schema, which is a tree.
struct Column {
  std::vector<std::string> path;  ///< "image", "bytes"
  Physical type = Physical::boolean;
  bool text = false;      ///< its byte arrays are UTF-8
  int definition = 0;     ///< how many fields on its path may be null
  bool repeated = false;  ///< it is, or lies in, a list

  std::string name() const;  ///< image.bytes
};

/// The pages of one column in one row group.
struct Chunk {
  Codec codec = Codec::uncompressed;
  std::uint64_t offset = 0, bytes = 0;  ///< in the file; of its pages with their headers
  Index values = 0;                     ///< with those that are null
  std::optional<Index> nulls;           ///< where its statistics say how many
  bool encrypted = false;
};

struct RowGroup {
  Index rows = 0;
  std::vector<Chunk> chunks;  ///< of every column
};

/// What a Parquet file says of itself at its end (FileMetaData of parquet.thrift). Chunks lie in the file and
/// have a value for every row of their group, save those of columns that are repeated. There are no more rows
/// than the file has bytes: images that take less than one are nobody's, and memory goes with the rows.
struct Footer {
  Index rows = 0;
  std::vector<Column> columns;
  std::vector<RowGroup> groups;
  std::map<std::string, std::string> metadata;  ///< key_value_metadata

  /// The column of that name, or nothing.
  std::optional<std::size_t> find(std::string_view name) const;
};

/// The footer of a Parquet file. Throws an Error that names the file when it is none, damaged or encrypted.
Footer read_footer(const engine::File& file);

}  // namespace data::parquet
