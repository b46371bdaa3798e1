#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "data/dataset.h"

namespace experiments {

/// What who has just made a run need not read again.
struct AtHand {
  const nlohmann::ordered_json* result = nullptr;  ///< what result.json holds
  std::shared_ptr<const data::Dataset> judged;     ///< the split of judged.json
};

/// What report.html shows of a run, from the files in its folder: `kind` "run", `name`, `config`, `classes`,
/// `curves`, and where their files are there `result`, `confusion` and `mistakes` (of the split `judged`),
/// `selection` and `trained`. A run that has not ended has no result. Throws an Error that names the file
/// when the folder holds no run or a file of it is damaged.
nlohmann::ordered_json report_of_run(const std::filesystem::path& folder, const AtHand& at_hand = {});

}  // namespace experiments
