#include "tools/training/control_groups.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace training {
namespace {

namespace fs = std::filesystem;

/// The files of one version that speak of memory. "max" or a number near 2^63 is no limit.
struct MemoryFiles {
  const char *most, *now, *idle_cache;  // the last is a key in memory.stat
};
constexpr MemoryFiles kMemory2 = {"memory.max", "memory.current", "inactive_file"};
constexpr MemoryFiles kMemory1 = {"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"};
constexpr std::uint64_t kNoLimit = std::uint64_t{1} << 60;

std::optional<std::uint64_t> number_in(const fs::path& path) {
  std::ifstream file(path);
  std::uint64_t number = 0;
  if (file >> number) return number;
  return std::nullopt;
}

/// The number behind a key in a file of pairs; 0 when there is none.
std::uint64_t number_of(const fs::path& path, std::string_view wanted) {
  std::ifstream file(path);
  std::uint64_t number = 0;
  for (std::string key; file >> key >> number;)
    if (key == wanted) return number;
  return 0;
}

/// A group's folder and all that it lies in, up to where it is mounted. A container may show a path that
/// leads nowhere in what it has mounted; then the folders that are there count.
std::vector<fs::path> folders_up(const fs::path& mount, const fs::path& group) {
  std::vector<fs::path> folders;
  for (fs::path path = ("/" / group).lexically_normal().relative_path();; path = path.parent_path()) {
    folders.push_back(path.empty() ? mount : mount / path);
    if (path.empty()) return folders;
  }
}

/// Calls `look` with every folder that may limit `controller`, and whether it is of version 2.
void each_folder(const ControlGroupFiles& files, std::string_view controller,
                 const std::function<void(const fs::path&, bool)>& look) {
  std::ifstream groups(files.groups);
  for (std::string line; std::getline(groups, line);) {  // number:controllers:path
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1),
                      group = line.substr(second + 1);
    if (controllers.empty()) {
      for (const fs::path& mount : {files.mounts, files.mounts / "unified"})
        for (const fs::path& folder : folders_up(mount, group)) look(folder, true);
      continue;
    }
    std::istringstream names(controllers);
    for (std::string name; std::getline(names, name, ',');) {
      if (name != controller) continue;
      const fs::path together = files.mounts / controllers;
      std::error_code error;
      const fs::path mount = fs::is_directory(together, error) ? together : files.mounts / name;
      for (const fs::path& folder : folders_up(mount, group)) look(folder, false);
    }
  }
}

/// Processors that a quota of microseconds in each period comes to.
std::optional<double> quota_in(const fs::path& folder, bool second_version) {
  std::ifstream first(folder / (second_version ? "cpu.max" : "cpu.cfs_quota_us")),
      other(folder / "cpu.cfs_period_us");
  double quota = 0, period = 0;  // "max" is no number, and -1 no quota
  if (!(first >> quota) || !((second_version ? first : other) >> period) || quota <= 0 || period <= 0)
    return std::nullopt;
  return quota / period;
}

}  // namespace

std::optional<std::size_t> left_in_groups(const ControlGroupFiles& files) {
  std::optional<std::size_t> left;
  each_folder(files, "memory", [&](const fs::path& folder, bool second_version) {
    const MemoryFiles& names = second_version ? kMemory2 : kMemory1;
    const auto most = number_in(folder / names.most), now = number_in(folder / names.now);
    if (!most || !now || *most >= kNoLimit) return;
    const std::uint64_t taken = *now - std::min(*now, number_of(folder / "memory.stat", names.idle_cache));
    const std::size_t here = *most - std::min(*most, taken);
    left = std::min(left.value_or(here), here);
  });
  return left;
}

std::optional<double> quota_of_groups(const ControlGroupFiles& files) {
  std::optional<double> quota;
  each_folder(files, "cpu", [&](const fs::path& folder, bool second_version) {
    if (const auto here = quota_in(folder, second_version)) quota = std::min(quota.value_or(*here), *here);
  });
  return quota;
}

}  // namespace training
