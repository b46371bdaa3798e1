#pragma once

#include <cstddef>

namespace training {

/// Bytes that this process can still get: the least of what the system has, what its control groups leave it
/// and what its own limits do.
std::size_t free_memory();

}  // namespace training
