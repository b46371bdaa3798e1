#pragma once

#include <nlohmann/json_fwd.hpp>

#include "engine/io/safetensors.h"
#include "peft/methods.h"
#include "tools/training/data_source.h"
#include "tools/training/pretrained/model_source.h"
#include "tools/training/run_folder.h"
#include "tools/training/scoring.h"
#include "tools/training/train_config.h"

namespace training {

/// A model, its data and a method, ready for scoring: what `tune` and `select` have in common.
struct Job {
  LoadedModel loaded;
  data::Splits splits;
  std::shared_ptr<const data::Dataset> images;  ///< those that are learnt from
  std::unique_ptr<peft::Method> method;
};

/// Loads everything and gives the model the head that the options ask for. `splits` are those the job uses.
Job make_job(const TrainConfig& options, const std::vector<std::string>& splits);

/// Scores and selects.
void prepare(Job& job, const TrainConfig& options, ScoringRun run);

/// What tells a model before it is tuned: the hash of its weights, and what files beside them say.
nlohmann::ordered_json identity_of(const LoadedModel& base);

/// What two runs must have in common for one to go on with the other or to stand for it: the options that
/// change what is computed, the base (its identity), and the images that are trained on (the hash of their
/// classes, and of name and class of each).
nlohmann::ordered_json identity_of(const nlohmann::ordered_json& options, const nlohmann::ordered_json& base,
                                   const std::vector<std::string>& classes, const data::Dataset& images);

/// The metadata of a delta or selection: format, method, options, base, classes, preprocessing and
/// architecture.
engine::Metadata metadata_of(const Job& job, const TrainConfig& options, const std::string& format);

/// Writes what the method chose as a selection file. Its metadata tells of every parameter the shape and,
/// where gradients were scored, the share of the squared gradient that was chosen (`energy`) and the squared
/// gradient itself (`gradient_squares`).
void write_selection(const std::filesystem::path& path, Job& job, const TrainConfig& options);

}  // namespace training
