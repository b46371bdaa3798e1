#pragma once

#include <string>

#include "data/dataset.h"
#include "tools/experiments/comparison.h"
#include "tools/training/image_contents.h"

namespace experiments {

/// Images to compare methods on.
struct Task {
  std::string name, folder;
  data::Splits splits;
  std::shared_ptr<training::ImageContents> contents = nullptr;  ///< of their images

  /// The split or splits that the runs of a stage train on, as `tune --on` takes them.
  std::string train_splits(Stage stage) const {
    return stage == Stage::final && splits.val ? "train+val" : "train";
  }
  /// Whether those runs evaluate on val.
  bool evaluates_val(Stage stage) const { return splits.val && train_splits(stage) == "train"; }
};

}  // namespace experiments
