// The compare.json of a comparison, of which a report is made.

#include "tools/experiments/report/comparison.h"

#include <nlohmann/json.hpp>

#include "tests/fuzz/memory_folder.h"
#include "tools/experiments/report/page.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::MemoryFolder folder;
  const auto path = folder.put("compare.json", fuzz::text_of(data, size));
  fuzz::reads_or_refuses([&] { experiments::report_page(experiments::report_of_comparison(path)); });
  return 0;
}
