#pragma once

#include <optional>
#include <string>

#include "tools/training/events.h"

namespace training {

/// How many threads compute, and why.
struct Threads {
  int count = 1;
  std::string from;  ///< "--threads", "OMP_NUM_THREADS", "all processors", ...
  /// "2 threads: OMP_NUM_THREADS"
  std::string text() const;
};

/// What the machine and its settings allow.
struct ThreadLimits {
  int processors = 1, online = 1;         ///< that this process may run on; that the machine has
  std::optional<double> quota = {};       ///< of its control groups, in processors
  const char* omp_num_threads = nullptr;  ///< of the environment; a list counts by its first number
};
ThreadLimits thread_limits();

/// `asked` threads; for 0 what OMP_NUM_THREADS says, and without that a thread for every processor that the
/// process may run on, but no more than its quota of time keeps busy. An OMP_NUM_THREADS that is no number of
/// threads gives a note.
Threads choose_threads(Index asked, const ThreadLimits& limits, const Events& events = {});

/// Has loops use so many threads from now on, and says how many and why. Results do not depend on it.
Threads use_threads(Index asked, const Events& events = {});

}  // namespace training
