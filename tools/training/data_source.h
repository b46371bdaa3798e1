#pragma once

#include "data/dataset.h"
#include "tools/training/data_cut.h"
#include "tools/training/events.h"
#include "tools/training/image_contents.h"
#include "tools/training/image_notes.h"
#include "tools/training/train_config.h"

namespace training {

/// A data set that was opened.
struct OpenedData {
  data::Splits splits;
  data::Splits listed;                      ///< with the images that were left out because they are bad
  std::shared_ptr<ImageContents> contents;  ///< of all their images, once they are read
  std::shared_ptr<ImageNotes> notes;        ///< on those of their images that were read
  std::optional<DataCut> cut;               ///< where they were in no splits
};

/// Opens the folder of --data, or the lists, and cuts what is in no splits. Every file of the `used` splits
/// must be there and readable. With
/// --on-bad-image skip, each of their images is decoded once by `workers` threads instead, and the bad ones
/// are left out; Events::stop is asked meanwhile. Oddities and what was left out are noted.
/// What there is to say of images that are read later is for the caller to note.
OpenedData open_data_source(const DataSource& source, const std::vector<std::string>& used, Index workers,
                            const Events& events = {});
/// Its splits alone.
data::Splits open_splits(const DataSource& source, const std::vector<std::string>& used, Index workers,
                         const Events& events = {});

/// A split that a model is evaluated on.
struct EvaluationSplit {
  std::vector<std::string> classes;
  std::shared_ptr<const data::Dataset> images;
  std::vector<data::BadImage> skipped;
  std::shared_ptr<ImageNotes> notes;  ///< on those of its images that were read
  bool labelled = true;               ///< false: a folder of images alone, and no label means anything
};
/// The same for one split, or for a folder of images without labels. Where the data has no train to give the
/// classes, they are those of the split itself.
EvaluationSplit open_evaluation_split(const DataSource& source, const std::string& split, Index workers,
                                      const Events& events = {});

/// Images that were left out, one JSON object with file, reason and split a line.
std::string skipped_lines(const std::vector<data::BadImage>& skipped);

/// The split "train", "val", "test" or "train+val". Throws an Error when it is not there.
std::shared_ptr<const data::Dataset> find_split(const data::Splits& splits, const std::string& name);

/// For every class of the data the place of the model's class of that name. When the model has no names the
/// places are equal, and there must be as many; or fewer, where classes are called by their numbers. Throws
/// an Error that lists classes the model does not have.
std::vector<Index> match_classes(const std::vector<std::string>& data_classes,
                                 const std::vector<std::string>& model_classes, Index outputs);

}  // namespace training
