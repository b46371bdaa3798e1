#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "peft/methods.h"
#include "tools/training/data_source.h"
#include "tools/training/evaluate.h"
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
};

/// Checks `config`, loads everything and gives the model the head that it asks for. `splits` are those the
/// run uses.
Run open_run(const TrainConfig& config, const std::vector<std::string>& splits, const Events& events = {});

/// Lets the method set what trains. Where it selects by gradients, the images are scored before.
void score_and_select(Run& run, const TrainConfig& config, const Events& events = {},
                      const ScoringOptions& how = {});

/// Evaluates the model as it is on the split "train", "val" or "test". Throws an Error when it is not there.
Evaluation evaluate(Run& run, const std::string& split, const TrainConfig& config, const Events& events = {});

/// Writes the delta of the model as it is: the values that may differ from the base, with all that is needed
/// to put them over it.
void write_delta(const std::filesystem::path& path, Run& run, const TrainConfig& config);

/// Writes what the method chose as a selection file. Its metadata holds of every parameter the shape and,
/// where gradients were scored, the share of the squared gradient that was chosen (`energy`) and the squared
/// gradient itself (`gradient_squares`).
void write_selection(const std::filesystem::path& path, Run& run, const TrainConfig& config);

}  // namespace training
