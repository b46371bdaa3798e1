#pragma once

#include <string>

#include "tools/training/events.h"
#include "tools/training/run_folder.h"

namespace training {

/// Has a run folder follow a run. Its log gets a line for every scoring loss, step and evaluation; partial
/// scores and checkpoints are written into it, and the log never is older than they are. `config` stands for
/// what must be equal when they are read. The folder must outlive the events.
void record_run(Events& events, RunFolder& folder, const std::string& config);

}  // namespace training
