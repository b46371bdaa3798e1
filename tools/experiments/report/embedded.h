#pragma once

#include <string>
#include <string_view>

#include "engine/base/check.h"

namespace experiments {

/// The bytes of a file that the program was built with: those of tools/experiments/report/page/ and
/// third_party/uplot/, by their paths from the project's folder. Throws an Error when there is none of that
/// name.
std::string_view embedded_file(std::string_view name);

}  // namespace experiments
