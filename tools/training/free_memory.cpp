#include "tools/training/free_memory.h"

#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

#include "tools/training/control_groups.h"

namespace training {

namespace {

constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

/// Of the system: /proc/meminfo gives kB.
std::size_t available() {
  std::ifstream file("/proc/meminfo");
  for (std::string key; file >> key;) {
    std::size_t kilobytes = 0;
    if (key == "MemAvailable:" && file >> kilobytes) return kilobytes * 1024;
  }
  return kNoLimit;
}

/// What a limit of the process leaves, of which it has taken `now`.
std::size_t left_of(int resource, std::size_t now) {
  rlimit limit{};
  if (::getrlimit(static_cast<__rlimit_resource_t>(resource), &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return kNoLimit;
  return limit.rlim_cur - std::min<std::size_t>(limit.rlim_cur, now);
}

/// Of the process, from /proc/self/status, which gives kB.
std::size_t status_bytes(const std::string& wanted) {
  std::ifstream file("/proc/self/status");
  for (std::string key; file >> key;) {
    std::size_t kilobytes = 0;
    if (key == wanted && file >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

}  // namespace

std::size_t free_memory() {
  return std::min({available(), left_in_groups().value_or(kNoLimit),
                   left_of(RLIMIT_AS, status_bytes("VmSize:")),
                   left_of(RLIMIT_DATA, status_bytes("VmData:"))});
}

}  // namespace training
