#pragma once

#include <memory>
#include <string>

#include "data/per_side.h"
#include "engine/base/phase.h"
#include "engine/optim/optimizer.h"
#include "models/vit.h"
#include "peft/methods.h"
#include "tools/training/train_config.h"

namespace cli {

using engine::Index;

/// What is benchmarked: random weights, random images.
struct BenchOptions {
  std::string arch, recompute = "none";
  training::TrainConfig config;  ///< the method, its options, and which layers may train
  Index batch = 0, classes = 10;
  data::ImageSize image_size;  ///< 0: the architecture's own
  double patch_drop = 0;       ///< of a step and of scoring
  Index seed = 0;
};

/// Bytes that a pass plans for, by what they hold.
struct PlannedBytes {
  std::size_t weights = 0;
  std::size_t gradients = 0;    ///< of the parameters that train, or that are scored, packed
  std::size_t optimizer = 0;    ///< moments
  std::size_t activations = 0;  ///< growth of all buffers between forward's start and backward's end
};

/// Work that can be repeated with a model and a batch.
class BenchJob {
 public:
  virtual ~BenchJob() = default;
  /// Does it once. Phases are timed where it has any.
  virtual void pass() = 0;
  /// The phases of a pass, in their order.
  virtual std::vector<std::pair<std::string, engine::Phase>> phases() const = 0;
  /// As of the last pass.
  virtual PlannedBytes planned() const = 0;
};

/// A forward pass without a graph.
std::unique_ptr<BenchJob> make_infer_job(const BenchOptions& options);
/// A step of Adam: forward, cross entropy, backward, the method's penalty, and the update. What trains was
/// chosen by the gradients of two random images.
std::unique_ptr<BenchJob> make_step_job(const BenchOptions& options);
/// Scoring by one batch, taken as stacked views where the loss compares two, and the choice that follows.
/// Throws a UsageError when the method does not score.
std::unique_ptr<BenchJob> make_score_job(const BenchOptions& options);

}  // namespace cli
