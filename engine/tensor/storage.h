#pragma once

#include <cstddef>
#include <memory>

#include "engine/base/check.h"

namespace engine {

/// Every buffer starts on such a boundary, so that vector code sees the same alignment in every run.
constexpr std::size_t kAlignment = 64;

/// A buffer of `bytes` bytes with unset content. Freed buffers are kept and given out again, so that a
/// training step asks the system for memory only the first time. Safe to call from several threads.
std::shared_ptr<std::byte> allocate(std::size_t bytes);

/// The same with all bytes zero. What comes fresh from the system is zero without being touched, and takes no
/// memory until it is written.
std::shared_ptr<std::byte> allocate_zeros(std::size_t bytes);

/// How often memory was asked of the system so far: a training step does so only the first time.
std::size_t system_allocations();

/// Bytes in live buffers now, and the most there have been since the last reset_peak_bytes().
std::size_t live_bytes();
std::size_t peak_bytes();
void reset_peak_bytes();
/// Gives the kept buffers back to the system.
void release_free_buffers();

}  // namespace engine
