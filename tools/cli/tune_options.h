#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>

#include "tools/cli/option_table.h"
#include "tools/training/train_config.h"

namespace cli {

/// All that `tune` is given: what is trained and how, and what the command line alone knows. `select` and
/// `compare` use a part of it.
struct TuneOptions {
  training::TrainConfig config;
  std::string recipe = "none";
  std::string out, features;
  bool resume = false, overwrite = false, json = false, no_memory_check = false;

  /// Throws a UsageError when a value makes no sense or options contradict each other.
  void check() const;
  /// Every resolved option, for config.json.
  nlohmann::ordered_json to_json() const;
  /// Those that act on the result: two runs of the same identity may stand for each other.
  nlohmann::ordered_json identity_json() const;
};

// The declarations of tune's options, in the parts that other commands take.

/// Model, data, method and how images are read: all that scoring needs.
void declare_selection(OptionTable& table, TuneOptions& options);
/// How images are read and how the head begins.
void declare_reading(OptionTable& table, TuneOptions& options);
/// How it is trained, and how often it is evaluated; not --lr, in whose place a comparison has --lrs.
void declare_training(OptionTable& table, TuneOptions& options);
/// How often it is saved, and whether its memory is checked.
void declare_saving(OptionTable& table, TuneOptions& options);
/// All of them.
void declare_tune(OptionTable& table, TuneOptions& options);

/// The options of `tune` that `words` give; nothing when help was asked for and printed. With --recipe papers
/// the method's recipe stands for what they leave open. Throws a UsageError that names what is wrong.
std::optional<TuneOptions> parse_tune(std::span<const std::string> words);

}  // namespace cli
