#pragma once

#include <memory>
#include <string>

#include "tools/training/events.h"
#include "tools/training/image_contents.h"
#include "tools/training/run_folder.h"

namespace training {

/// Has a run folder follow a run. Its log gets a line for every scoring loss, step and evaluation; partial
/// scores and checkpoints are written into it, and neither the log nor the record of the images is older than
/// they are. `config` is the text of the run's identity. The folder must outlive the events.
void record_run(Events& events, RunFolder& folder, const std::string& config,
                const std::shared_ptr<ImageContents>& contents);

}  // namespace training
