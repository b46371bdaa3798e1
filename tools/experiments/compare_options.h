#pragma once

#include "tools/cli/tune_options.h"
#include "tools/experiments/comparison.h"
#include "tools/experiments/method_spec.h"
#include "tools/experiments/task.h"

namespace experiments {

/// The options of `compare`.
struct CompareOptions {
  cli::TuneOptions common;  ///< of all runs
  std::string out;
  std::vector<std::string> tasks, methods, lrs;
  Index seeds = 1;
  bool papers = false;  ///< methods train as their papers say, where nothing else is said
  bool dry_run = false;
  cli::GivenOptions given;  ///< those of `common` that were given
};

/// Reads the options of `compare`; nothing when it was to print its help, and has. Throws a UsageError.
std::optional<CompareOptions> parse_compare(std::span<const std::string> words);

/// The methods, each with learning rates: its own, those of the comparison, or its recipe's. Throws a
/// UsageError that names a method without, or what is wrong with its SPEC.
std::vector<MethodSpec> read_methods(const CompareOptions& options);

/// The tasks with their images, of which none is read. With `searches` every one needs val. Throws a
/// UsageError for a wrong --task, an Error that names a missing split.
std::vector<Task> open_tasks(const CompareOptions& options, bool searches);

}  // namespace experiments
