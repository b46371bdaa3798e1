#pragma once

#include "tools/cli/option_parser.h"
#include "tools/training/memory_estimate.h"
#include "tools/training/options/train_options.h"

namespace cli {

using training::declare_base, training::declare_data, training::declare_model, training::declare_screening,
    training::declare_threads, training::kMostThreads, training::kMostWorkers;

/// --delta and --force.
void declare_delta(OptionTable& table, std::string& delta, bool& force);

/// --no-memory-check.
void declare_memory_check(OptionTable& table, bool& no_memory_check);
/// Notes what inference will need, and unless it is not to be checked throws an Error where that is more than
/// there is.
void check_inference_memory(const training::MemoryEstimate& estimate, bool no_memory_check);

/// --dry-run and --strict. parse() makes notes errors where --strict is given.
struct Checks {
  bool dry_run = false, strict = false;
};
void declare_checks(OptionTable& table, Checks& checks,
                    const std::string& dry_run = "check options, files and memory, and end");

/// --threads of a command that computes nothing in parallel.
void declare_ignored_threads(OptionTable& table, Index& threads);

}  // namespace cli
