#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <vector>

#include "engine/optim/optimizer.h"
#include "engine/optim/schedule.h"
#include "tools/cli/model_options.h"
#include "tools/training/data_source.h"

namespace cli {

/// Everything `tune` can be told; `select` uses a part of it.
struct TuneOptions {
  ModelOptions model;
  training::DataOptions data;
  std::string method = "grft", recipe = "none";
  std::map<std::string, std::string> method_options;
  std::string on = "train", head = "auto", init_head = "trunc-normal";
  Index batch_size = 32, workers = 2;
  bool no_score_shuffle = false;
  std::string augment = "none", recompute = "none";

  std::string out, features;
  bool resume = false, overwrite = false, json = false, no_shuffle = false, no_memory_check = false;
  bool no_test = false;
  Index epochs = 10, steps = 0, grad_accum = 1;
  double lr = 1e-3, momentum = 0, weight_decay = 0, warmup_epochs = 0, min_lr = 0, clip = 0;
  std::string optimizer = "adam", schedule = "cosine";
  double label_smoothing = 0, mixup = 0, cutmix = 0, drop_path = 0, ema = 0;
  Index freeze_blocks = 0, reinit_blocks = 0;
  double layer_decay = 1;
  Index eval_every = 1, save_every = 0;
  std::string keep = "last";

  /// The options that scoring and selecting need.
  void add_selection(Args& args);
  /// The options of the training itself.
  void add_training(Args& args);
  /// The part of both that says how, not what: a comparison gives it to all its runs.
  void add_handling(Args& args);
  void add_steps(Args& args);
  /// Throws a UsageError when two options contradict each other.
  void check() const;
  /// True when the features of an image are the same in every pass: the backbone is frozen, nothing varies.
  bool knows_features() const;

  std::unique_ptr<engine::Optimizer> make_optimizer(const std::vector<engine::NamedParameter>& all) const;
  /// Steps of the whole run.
  Index total_steps(Index steps_per_epoch) const;
  engine::Schedule make_schedule(Index total, Index steps_per_epoch) const;
  /// Every resolved option, for config.json.
  nlohmann::ordered_json to_json() const;
};

/// What `tune` is told by its words; nothing when it was to print its help, and has. With --recipe papers the
/// method's recipe stands for what they do not tell. Throws a UsageError that names what is wrong about them.
std::optional<TuneOptions> parse_tune(std::span<const std::string> words);

}  // namespace cli
