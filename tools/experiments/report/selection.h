#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

namespace experiments {

/// Every matrix of a selection file, as a list in the order of the model's names: `name`, `rows` and
/// `columns` of the whole, `kind` ("rows", "columns", "elements"), `units` and `values` chosen, `energy`,
/// `squares`; for rows and columns up to kMostUnits their indices `at` and their `scores`; for more, and for
/// elements, how many lie in each row and column, `per_row` and `per_column`, in at most kMostBins bins. Null
/// for a file without shapes, of an earlier version. Throws an Error naming the file when it is damaged.
nlohmann::ordered_json read_selection(const std::filesystem::path& path);

constexpr std::size_t kMostUnits = 512, kMostBins = 256;

}  // namespace experiments
