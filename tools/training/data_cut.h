#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "data/dataset.h"
#include "tools/training/events.h"
#include "tools/training/image_contents.h"
#include "tools/training/train_config.h"

namespace training {

/// The record of a cut in the folder of its run.
constexpr const char* kCutFile = "split.csv";

/// How images that were in no splits were cut into some.
struct DataCut {
  double val = 0, test = 0;  ///< shares of all images
  std::string group;
  std::string csv;  ///< columns path, label and split: every image by its name relative to the data

  /// Of csv: the same for the same images, classes and splits.
  std::string sha256() const;
  /// What of it identifies a run.
  nlohmann::ordered_json identity() const;
};

/// Cuts images that are in no splits, and train where --val-split asks for it, and notes that; nothing where
/// there is nothing to cut. The cut is that of source.cut_file where this lists the images, otherwise a new
/// one; one that is not source.trained_cut is noted. Throws a UsageError when an option of cutting or
/// ordering classes has no effect on this data, an Error when the file lists some of the images only, or
/// others besides.
std::optional<DataCut> cut_splits(data::Splits& splits, const DataSource& source,
                                  const ImageContents& contents, const Events& events);

/// Throws a UsageError when an option of cutting is set where nothing is cut.
void check_uncut(const DataSource& source, const std::string& why);

}  // namespace training
