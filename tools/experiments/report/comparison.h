#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

namespace experiments {

/// What report.html shows of a comparison, from its compare.json: `kind` "comparison", and of that file
/// `settings`, `methods`, `tasks`, `table`, `pairs`, and of the `runs` what the charts need. Every field is
/// checked. Throws an Error that names the file and the field otherwise.
nlohmann::ordered_json report_of_comparison(const std::filesystem::path& file);

}  // namespace experiments
