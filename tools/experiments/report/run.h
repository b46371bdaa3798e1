#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "data/dataset.h"

namespace experiments {

/// What the caller has at hand for the report of a run. All of it may be missing.
struct AtHand {
  const nlohmann::ordered_json* result = nullptr;       ///< what result.json holds
  std::shared_ptr<const data::Dataset> evaluated = {};  ///< the split of judged.json
  std::function<void(const std::string&)> note = {};    ///< shows the user a line about what is left out
};

/// What report.html shows of a run, from the files in its folder: `kind` "run", `name`, `config`, `classes`,
/// `curves`, and where their files are there `result`, `confusion` and `mistakes` (of the split `evaluated`),
/// `selection` and `trained`. A run that has not ended has no result. Throws an Error that names the file
/// when the folder holds no run or a file of it is damaged.
nlohmann::ordered_json report_of_run(const std::filesystem::path& folder, const AtHand& at_hand = {});

}  // namespace experiments
