#pragma once

#include "tests/end_to_end/garden.h"

namespace end_to_end {

/// Options of everything at once that random numbers, threads or interruptions could make different.
Words demanding();

/// The words of a run that is long enough to be stopped, writing to `out`.
Words long_run(const Garden& garden, const std::string& method, const fs::path& out, const Words& more = {});

/// The lines of a run's metrics without the fields about time.
std::vector<Json> timeless(const fs::path& folder);

/// True when two runs have left the same delta, metrics and results, but for fields about time, memory or
/// what was kept.
void expect_same_run(const fs::path& a, const fs::path& b);

/// Waits until the log in `folder` has a line with this text, or the run is over.
void wait_for_line(Background& run, const fs::path& folder, const std::string& text);

/// Waits until the run in `folder` has logged this step, and ends it; false when it ended by itself.
bool kill_at_step(const Words& words, const fs::path& folder, const std::string& step);

}  // namespace end_to_end
