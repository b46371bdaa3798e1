#pragma once

#include "tools/cli/given_options.h"
#include "tools/cli/method_spec.h"
#include "tools/cli/tune_options.h"
#include "tools/experiments/runner.h"

namespace cli {

/// What `compare` is given.
struct CompareOptions {
  TuneOptions common;  ///< of all runs
  std::string out;
  std::vector<std::string> tasks, methods, lrs;
  Index seeds = 1;
  bool papers = false;  ///< --recipe papers: options that are left open are those of each method's paper
  experiments::Search search = experiments::Search::grid;
  std::optional<experiments::Part> part;  ///< what of it this process makes; nothing: all of it
  bool overwrite = false;
  Checks checks;
  GivenOptions given;  ///< those of `common` that were given
};

/// Reads the options of `compare`; nothing when help was asked for and printed. Throws a
/// UsageError.
std::optional<CompareOptions> parse_compare(std::span<const std::string> words);

/// The methods, each with learning rates: its own, those of the comparison, or its recipe's. Throws a
/// UsageError that names a method without, or what is wrong with its SPEC.
std::vector<MethodSpec> read_methods(const CompareOptions& options);

/// The tasks with their images, of which none is read. With `searches` every one needs val. Throws a
/// UsageError for a wrong --task, an Error that names the split that is missing.
std::vector<experiments::Task> open_tasks(const CompareOptions& options, bool searches);

}  // namespace cli
