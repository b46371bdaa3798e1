#pragma once

#include "data/loader.h"
#include "tools/cli/console.h"
#include "tools/training/checkpoint.h"
#include "tools/training/evaluate.h"
#include "tools/training/features.h"
#include "tools/training/pretrained/model_source.h"
#include "tools/training/run_folder.h"
#include "tools/training/train_config.h"

namespace training {

/// The training loop: forward, backward, penalty, clip, step, average; and evaluation on val between epochs.
class Trainer {
 public:
  struct Parts {
    LoadedModel& loaded;
    peft::Method& method;
    const data::Splits& splits;
    RunFolder& folder;
    const TrainConfig& options;
    std::string config;  ///< of the run, for its checkpoints
    KnownFeatures features = {};
  };
  explicit Trainer(const Parts& parts);

  /// Takes back what a checkpoint holds beside the weights.
  void resume(const Checkpoint& checkpoint);
  /// Trains to the end and leaves in the model the numbers to keep: the averages with --ema, the best on val
  /// with --keep best. Throws an Error that names the step and its images when a loss, a gradient or a
  /// weight is not finite; the checkpoint then holds a state whose numbers all are. After a noted signal it
  /// saves a checkpoint and throws Interrupted.
  void run();
  /// Writes a checkpoint of the present state.
  void save() const;
  /// The epoch, from 0, that the last step belongs to.
  Index last_epoch() const { return (steps_ - 1) / steps_per_epoch_; }

 private:
  struct Loss {
    double loss = 0, penalty = 0;
  };
  double rate_at(Index step) const;
  Loss gradients(Index step, Index epoch, std::vector<std::string>& images);
  void check_finite(Index step, double value, const std::string& what,
                    const std::vector<std::string>& images);
  /// The first parameter whose gradient is not finite, as " of NAME".
  std::string bad_gradient() const;
  /// Throws the Error of a run that goes on no more.
  [[noreturn]] void diverged(const std::string& complaint, const std::vector<std::string>& images) const;
  double take_step(Index step, Index epoch);  ///< the loss
  void train_epoch(Index epoch, cli::Progress& progress);
  /// True after the last step of an epoch that was not yet judged.
  bool judgement_is_due() const;
  void finish_epoch(Index epoch);
  void evaluate(Index epoch);
  bool is_sound() const;  ///< all numbers that train are finite
  void keep_best(double top1);
  void put_back_best();

  Parts p_;
  data::Loader loader_;
  Index steps_per_epoch_;
  Index steps_;  ///< of the whole run
  struct Stage {
    Index first;
    engine::Schedule schedule;
  };
  std::vector<Stage> stages_;  ///< in order
  std::vector<engine::NamedParameter> parameters_;
  std::unique_ptr<engine::Optimizer> optimizer_;
  std::optional<engine::Ema> ema_;
  RunState state_;
  bool chose_anew_ = false;  ///< what trains, for the step at hand
  std::string judgement_;    ///< the last top-1 on val, for people
};

}  // namespace training
