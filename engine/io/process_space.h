#pragma once

#include <string>

namespace engine {

/// Where a process id means the process that it means here: this machine since it was started last, and this
/// namespace of processes, of which every container has its own. Twelve hexadecimal digits that no other
/// place has; nothing where the system does not say.
const std::string& process_space();

/// True when no process has this id in this process_space().
bool is_gone(long long process);

}  // namespace engine
