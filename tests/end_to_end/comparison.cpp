#include "tests/end_to_end/comparison.h"

#include <chrono>
#include <thread>

namespace end_to_end {

Json timeless_comparison(const fs::path& folder) {
  Json all = read_json(folder / "compare.json");
  for (const char* list : {"runs", "table"}) {
    for (Json& one : all[list])
      for (const char* field : {"seconds", "seconds_per_epoch", "score_seconds", "peak_mb", "resumed"})
        one.erase(field);
  }
  return all;
}

void wait_for(Background& program, const fs::path& file, const std::string& text) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (std::chrono::steady_clock::now() < give_up && program.running()) {
    if (fs::exists(file) && read_text(file).find(text) != std::string::npos) break;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
}

}  // namespace end_to_end
