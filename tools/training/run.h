#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "peft/methods.h"
#include "tools/training/data_source.h"
#include "tools/training/evaluate.h"
#include "tools/training/identity.h"
#include "tools/training/pretrained/model_source.h"
#include "tools/training/scoring_loop.h"
#include "tools/training/train_config.h"

namespace training {

/// A model, its data and a method: what a run works with.
struct Run {
  LoadedModel loaded;
  data::Splits splits;
  std::shared_ptr<const data::Dataset> images;  ///< those that are trained on
  std::unique_ptr<peft::Method> method;
  data::Splits listed = {};  ///< with the images that were left out because they are bad
  std::shared_ptr<ImageContents> contents = nullptr;  ///< of all images, once they are read
  std::shared_ptr<ImageNotes> notes = nullptr;        ///< on those images that were read
  engine::Json base = {};                             ///< identity_of() the model as it was loaded
  std::optional<DataCut> cut = {};                    ///< of images that were in no splits
  Index scored_batches = 0;                           ///< by the last score_and_select()
};

/// Checks `config`, loads everything and gives the model the head that it asks for. `splits` are those the
/// run uses.
Run open_run(const TrainConfig& config, const std::vector<std::string>& splits, const Events& events = {});

/// What identifies the run, with the instruction set in use.
RunIdentity identity_of(const Run& run, const TrainConfig& config);
/// What identifies the images of a run of that configuration.
engine::Json images_identity(const TrainConfig& config, const data::Splits& listed,
                             const ImageContents& contents);
/// All of these fields: of the options, of the model (identity_of()) and of the images.
engine::Json identity_fields(const TrainConfig& config, const engine::Json& base, const engine::Json& images,
                             const std::string& instruction_set);

/// The images of the splits that the identity of a run has, which are not what they were when `recorded`.
std::vector<std::string> changed_images(Run& run, const TrainConfig& config, const ImageStamps& recorded);

/// Why a run that has this identity cannot go on to the length that `config` has; empty when it can, to the
/// same bits as one that had this length from the start.
std::string why_not_longer(const Run& run, const TrainConfig& config, const engine::Json& recorded);

/// What the run would be scored with.
ScoringData scoring_data(const Run& run, const TrainConfig& config);
/// Lets the method set what trains. Where it selects by gradients, the images are scored before.
void score_and_select(Run& run, const TrainConfig& config, const Events& events = {},
                      const ScoringOptions& how = {});

/// What identifies a selection: of the options, the model and the images all that changes a bit of it; and
/// what the images of its first `scored_batches` batches hold, where images were scored.
RunIdentity selection_identity(Run& run, const TrainConfig& config, Index scored_batches);
/// How the selection in a file was made otherwise than `run` would make it, one text for each difference.
std::vector<std::string> selection_differences(const engine::Safetensors& selection, Run& run,
                                               const TrainConfig& config);

/// Evaluates the model as it is on the split "train", "val" or "test". Throws an Error when it is not there.
Evaluation evaluate(Run& run, const std::string& split, const TrainConfig& config, const Events& events = {});

/// Writes the delta of the model as it is: the values that may differ from the base, with all that is needed
/// to put them over it.
void write_delta(const std::filesystem::path& path, Run& run, const TrainConfig& config);

/// Writes what the method chose as a selection file. Its metadata holds what identifies it (`identity`), of
/// every parameter the shape and, where gradients were scored, the share of the squared gradient that was
/// chosen (`energy`) and the squared gradient itself (`gradient_squares`).
void write_selection(const std::filesystem::path& path, Run& run, const TrainConfig& config);

}  // namespace training
