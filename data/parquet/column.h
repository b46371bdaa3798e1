#pragma once

#include <functional>
#include <string_view>

#include "data/parquet/page.h"

namespace data::parquet {

/// "x.parquet: column label, row group 0:", as errors about a chunk begin.
std::string chunk_name(const engine::File& file, const Column& column, std::size_t group);

/// The values of a column of whole numbers (INT32, INT64) in one row group, row by row: `take(row, value)`
/// with the row counted in the group, and null where there is no value. Only a page at a time is in memory.
void read_integers(const engine::File& file, const Footer& footer, std::size_t column, std::size_t group,
                   const std::function<void(Index row, const std::int64_t* value)>& take);

/// The same of a column of texts or bytes (BYTE_ARRAY). A value is there until `take` returns.
void read_texts(const engine::File& file, const Footer& footer, std::size_t column, std::size_t group,
                const std::function<void(Index row, const std::string_view* value)>& take);

}  // namespace data::parquet
