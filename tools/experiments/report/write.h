#pragma once

#include "tools/experiments/report/run.h"

namespace experiments {

/// Writes report.html of a run into its folder, whole or not at all.
void write_run_report(const std::filesystem::path& folder, const AtHand& at_hand);

/// The same of a comparison, from the compare.json in its folder.
void write_comparison_report(const std::filesystem::path& folder);

}  // namespace experiments
