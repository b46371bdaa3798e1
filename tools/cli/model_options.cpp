#include "tools/cli/model_options.h"

#include "tools/cli/console.h"
#include "tools/training/free_memory.h"

namespace cli {

void declare_delta(OptionTable& table, std::string& delta, bool& force) {
  table.input("delta", delta, "FILE", "delta to apply to --model");
  table.flag("force", force, "apply a delta that was made for another base").needing("delta");
}

void declare_checks(OptionTable& table, Checks& checks, const std::string& dry_run) {
  table.group("Checks");
  table.flag("dry-run", checks.dry_run, dry_run).this_call().rare();
  table.flag("strict", checks.strict, "every note is an error").this_call().rare();
}

void declare_memory_check(OptionTable& table, bool& no_memory_check) {
  table.flag("no-memory-check", no_memory_check, "start even if memory may not suffice").this_call().rare();
}

void check_inference_memory(const training::MemoryEstimate& estimate, bool no_memory_check) {
  note("memory: " + estimate.text());
  if (!no_memory_check) training::check_inference_memory(estimate, training::free_memory());
}

void declare_ignored_threads(OptionTable& table, Index& threads) {
  table.integer("threads", threads, 1, "ignored; accepted by every command", kMostThreads).this_call();
}

}  // namespace cli
