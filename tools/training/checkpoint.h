#pragma once

#include <filesystem>
#include <optional>

#include "engine/optim/ema.h"
#include "engine/optim/optimizer.h"
#include "models/vit.h"
#include "peft/method.h"
#include "tools/training/events.h"
#include "tools/training/identity.h"
#include "tools/training/run_folder.h"
#include "tools/training/sealed_file.h"

namespace training {

/// What a run has reached beside the weights.
struct RunState {
  Index step = 0;                                            ///< steps that are done
  Index evaluated = 0;                                       ///< steps after which val was last due
  double best_top1 = -1;                                     ///< on val, of --keep best
  std::vector<std::pair<std::string, engine::Tensor>> best;  ///< the delta that reached it
};

/// All that a run needs to go on; the averages (`ema`) only where there are any.
struct TrainingState {
  models::Vit& model;
  const peft::Method& method;
  const engine::Optimizer& optimizer;
  const engine::Ema* ema;
  const RunState& reached;
};

/// Writes it, whole or not at all: of the model the values that may differ from the base, and what trains. A
/// file that was there before is moved to `former`, when that is named. `config` is the text of the run's
/// identity.
void write_checkpoint(const std::filesystem::path& path, const TrainingState& state,
                      const std::string& config = "", const std::filesystem::path& former = {});

/// A checkpoint that is read in the order a run is built: first what trains and its values, then the rest.
class Checkpoint {
 public:
  /// Reads a file. Throws an Error that names it when it is not a whole checkpoint.
  explicit Checkpoint(const std::filesystem::path& path);
  /// The newest one in the folder that is whole, nothing when there is none. One that is passed over is noted
  /// with what is wrong about it. Throws an Error when all are damaged, a UsageError that names the
  /// differences when it is one of another identity.
  static std::optional<Checkpoint> newest(const RunFolder& folder, const RunIdentity& identity,
                                          const Events& events = {});

  /// Trains the same parts by `method` and writes the saved values over them.
  void restore(models::Vit& model, peft::Method& method) const;
  void restore(engine::Optimizer& optimizer, engine::Ema* ema) const;
  const RunState& state() const { return state_; }
  const std::string& path() const { return file_.file().path(); }

 private:
  SealedFile file_;
  RunState state_;
};

}  // namespace training
