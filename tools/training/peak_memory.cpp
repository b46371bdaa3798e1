#include "tools/training/peak_memory.h"

#include <sys/resource.h>

#include <fstream>
#include <string>

#include "engine/base/check.h"
#include "engine/io/append_file.h"

namespace training {

double peak_mb() {
  // Not getrusage(), which does not know of a reset and counts what a parent had before it started this.
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    double kilobytes = 0;
    if (word == "VmHWM:" && status >> kilobytes) return kilobytes * 1024 / 1e6;
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024 / 1e6;
}

bool reset_peak_mb() {
  try {
    // proc(5): resets the peak resident set size to the present one
    engine::AppendFile("/proc/self/clear_refs").append("5");
    return true;
  } catch (const engine::Error&) {
    return false;
  }
}

}  // namespace training
