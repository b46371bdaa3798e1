#pragma once

#include <optional>

#include "engine/optim/ema.h"
#include "engine/optim/optimizer.h"
#include "models/vit.h"
#include "peft/method.h"
#include "tools/training/run_folder.h"
#include "tools/training/sealed_file.h"

namespace training {

using engine::Index;

/// What a run has reached beside the weights.
struct RunState {
  Index step = 0;                                            ///< steps that are done
  Index judged = 0;                                          ///< steps after which val was last due
  double best_top1 = -1;                                     ///< on val, of --keep best
  std::vector<std::pair<std::string, engine::Tensor>> best;  ///< the delta that reached it
};

/// Writes all that a run needs to go on: the numbers that have moved, what trains, the states of method and
/// optimizer, the averages (when there are any) and `state`. The checkpoint before it is kept beside it, in
/// case this one is damaged later. `config` must be equal when it is read.
void save_checkpoint(const RunFolder& folder, models::Vit& model, const peft::Method& method,
                     const engine::Optimizer& optimizer, const engine::Ema* ema, const RunState& state,
                     const std::string& config);

/// A checkpoint that is read in the order a run is built: first what trains and its values, then the rest.
class Checkpoint {
 public:
  /// The newest one in the folder that is whole, nothing when there is none. One that is passed over is noted
  /// with what is wrong about it. Throws an Error when all are damaged, a UsageError that names the options
  /// when it is one of another configuration.
  static std::optional<Checkpoint> newest(const RunFolder& folder, const std::string& config);

  /// Trains the same parts by `method` and writes the saved values over them.
  void restore(models::Vit& model, peft::Method& method) const;
  void restore(engine::Optimizer& optimizer, engine::Ema* ema) const;
  const RunState& state() const { return state_; }

 private:
  explicit Checkpoint(const std::filesystem::path& path);
  SealedFile file_;
  RunState state_;
};

/// Throws a UsageError that names the options in which two configurations differ.
void check_same_config(const std::string& file, const std::string& saved, const std::string& given);

}  // namespace training
