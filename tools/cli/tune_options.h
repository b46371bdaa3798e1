#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>

#include "tools/cli/args.h"
#include "tools/training/train_config.h"

namespace cli {

/// Everything `tune` is given: what is trained and how, and what is of the command line alone. `select` uses
/// a part of it.
struct TuneOptions {
  training::TrainConfig config;
  std::string recipe = "none";
  std::string out, features;
  bool resume = false, overwrite = false, json = false, no_memory_check = false;

  /// The options that scoring and selecting need.
  void add_selection(Args& args);
  /// The options of the training itself.
  void add_training(Args& args);
  /// The part of both that says how, not what: a comparison gives it to all its runs.
  void add_handling(Args& args);
  void add_steps(Args& args);
  /// Throws a UsageError when two options contradict each other.
  void check() const;

  /// Every resolved option of `config`, for config.json.
  nlohmann::ordered_json to_json() const;
  /// Those of them that change what a run computes: two runs with the same may stand for each other.
  nlohmann::ordered_json identity_json() const;
};

/// What `tune` is told by its words; nothing when it was to print its help, and has. With --recipe papers the
/// method's recipe stands for what they do not tell. Throws a UsageError that names what is wrong about them.
std::optional<TuneOptions> parse_tune(std::span<const std::string> words);

}  // namespace cli
