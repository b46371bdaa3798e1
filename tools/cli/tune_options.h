#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>

#include "tools/cli/model_options.h"
#include "tools/training/options/relations.h"
#include "tools/training/prefix/cache.h"
#include "tools/training/train_config.h"

namespace cli {

/// All that `tune` is given: what is trained and how, and what the command line alone knows. `select` and
/// `compare` use a part of it.
struct TuneOptions {
  training::TrainConfig config;
  std::string recipe = "none";
  std::string out, features, scores;
  bool resume = false, overwrite = false, json = false, tensorboard = false, no_memory_check = false;
  Index pause_after_epoch = 0;  ///< 0: the run goes to its end
  Checks checks;

  /// Throws a UsageError when a value makes no sense or options contradict each other.
  void check() const;
  /// --prefix-cache in parts; its folder may be called --features.
  training::PrefixCacheOptions prefix_cache() const;
  /// Every resolved option, for config.json.
  nlohmann::ordered_json to_json() const;
};

/// The declarations of all of tune's options.
void declare_tune(OptionTable& table, TuneOptions& options);

/// The options of `tune` that `words` give; nothing when help was asked for and printed. With --recipe papers
/// the method's recipe stands for what they leave open. Throws a UsageError that names what is wrong, behind
/// the name of the `command` unless that is empty.
std::optional<TuneOptions> parse_tune(std::span<const std::string> words,
                                      const std::string& command = "tune");

/// The options among `words` that have no effect beside the others.
std::vector<training::IdleOption> idle_in_tune(std::span<const std::string> words);

}  // namespace cli
