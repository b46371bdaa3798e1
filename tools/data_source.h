#pragma once

#include "data/dataset.h"
#include "tools/args.h"

namespace tools {

/// Where the pictures come from: the shared options of the commands.
struct DataOptions {
  std::string data, train_list, val_list, test_list, data_root;

  void add_to(Args& args);
  /// A short name of the data set for the run's folder.
  std::string name() const;
};

/// Opens the folder of --data, or the lists. Throws a UsageError when neither or both are given.
data::Splits open_splits(const DataOptions& options);

/// The split "train", "val", "test" or "train+val". Throws an Error when it is not there.
std::shared_ptr<const data::Dataset> find_split(const data::Splits& splits, const std::string& name);

/// For every class of the data the place of the model's class of that name. When the model has no names the
/// places are equal, and there must be as many. Throws an Error that lists classes the model does not know.
std::vector<Index> match_classes(const std::vector<std::string>& data_classes,
                                 const std::vector<std::string>& model_classes, Index outputs);

}  // namespace tools
