#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>

namespace training {

/// Where the kernel says which control groups this process is in, and what they allow.
struct ControlGroupFiles {
  std::filesystem::path groups = "/proc/self/cgroup", mounts = "/sys/fs/cgroup";
};

/// Bytes that the control groups leave this process: the least over its group and all that this lies in, of
/// version 2 and 1. The page cache of files that are not in use counts as left, for the kernel gives it up.
/// Nothing when none has a limit.
std::optional<std::size_t> left_in_groups(const ControlGroupFiles& files = {});

/// How many processors their quota of time keeps busy, such as 1.5: the least over its group and all that
/// this lies in, of version 2 and 1. Nothing when none has a quota.
std::optional<double> quota_of_groups(const ControlGroupFiles& files = {});

}  // namespace training
