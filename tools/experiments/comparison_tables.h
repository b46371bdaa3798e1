#pragma once

#include <string>

#include "engine/io/json.h"

namespace experiments {

/// table.md of a compare.json: the table, the learning rates that were chosen, and every method against the
/// first.
std::string markdown_tables(const engine::Json& comparison);

/// table.csv of a compare.json, a row for every method of the table and its figures in full (RFC 4180).
std::string csv_table(const engine::Json& comparison);

}  // namespace experiments
