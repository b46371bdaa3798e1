#pragma once

#include <filesystem>
#include <optional>

#include "engine/io/safetensors.h"
#include "engine/optim/ema.h"
#include "engine/optim/optimizer.h"
#include "models/vit.h"
#include "peft/method.h"

namespace tools {

using engine::Index;

/// What a run has reached beside the weights.
struct RunState {
  Index step = 0;                                            ///< steps that are done
  double best_top1 = -1;                                     ///< on val, of --keep best
  std::vector<std::pair<std::string, engine::Tensor>> best;  ///< the delta that reached it
};

/// Writes all that a run needs to go on: the numbers that train, the optimizer's state, the averages (when
/// there are any) and `state`. `config` must be equal when it is read.
void save_checkpoint(const std::filesystem::path& path, models::Vit& model,
                     const engine::Optimizer& optimizer, const engine::Ema* ema, const RunState& state,
                     const std::string& config);

/// A checkpoint that is read in the order a run is built: first what trains and its values, then the rest.
class Checkpoint {
 public:
  /// Throws an Error when the file is no checkpoint, a UsageError when it is one of another configuration.
  Checkpoint(const std::filesystem::path& path, const std::string& config);

  /// Trains the same parts by `method` and writes the saved values over them.
  void restore(models::Vit& model, peft::Method& method) const;
  void restore(engine::Optimizer& optimizer, engine::Ema* ema) const;
  const RunState& state() const { return state_; }

 private:
  engine::State tensors_with(const std::string& prefix) const;
  engine::Safetensors file_;
  RunState state_;
};

}  // namespace tools
