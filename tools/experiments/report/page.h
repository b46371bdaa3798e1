#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace experiments {

/// A report as one HTML file that needs nothing else: style, scripts and `data`, which the scripts show. Its
/// policy lets nothing run or load but these. Text in `data` stays text, whatever it holds: no `<` of it
/// appears in the page.
std::string report_page(const nlohmann::ordered_json& data);

/// JSON as text for a <script> element: the same value, without the character `<`.
std::string script_json(const nlohmann::ordered_json& data);

}  // namespace experiments
