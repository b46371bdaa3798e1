#include "tools/experiments/report/write.h"

#include <nlohmann/json.hpp>

#include "engine/io/atomic_file.h"
#include "tools/experiments/report/comparison.h"
#include "tools/experiments/report/page.h"

namespace experiments {
namespace {

constexpr const char* kReport = "report.html";

}  // namespace

void write_run_report(const std::filesystem::path& folder, const AtHand& at_hand) {
  engine::write_file(folder / kReport, report_page(report_of_run(folder, at_hand)));
}

void write_comparison_report(const std::filesystem::path& folder) {
  engine::write_file(folder / kReport, report_page(report_of_comparison(folder / "compare.json")));
}

}  // namespace experiments
