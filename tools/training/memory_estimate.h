#pragma once

#include <cstddef>
#include <string>

#include "engine/tensor/storage.h"
#include "tools/training/run.h"

namespace training {

/// Watches how much more all buffers hold than when it was made. Only one at a time.
class Growth {
 public:
  Growth() : before_(engine::live_bytes()) { engine::reset_peak_bytes(); }
  std::size_t most() const { return engine::peak_bytes() - before_; }

 private:
  std::size_t before_;
};

/// What a run will hold at the same time, at most, in bytes.
struct MemoryEstimate {
  std::size_t weights = 0, copies = 0, gradients = 0, optimizer = 0, activations = 0, images = 0;
  std::size_t results = 0;           ///< that are kept until they are written
  std::size_t program = 30'000'000;  ///< code, stacks and what is small: about that on Linux
  bool in_scoring = false;           ///< the most is needed while scoring, not while training
  std::size_t total() const {
    return weights + copies + gradients + optimizer + activations + images + results + program;
  }
  /// "weights 22 MB, ..., program 30 MB; total 145 MB", without what takes nothing.
  std::string text() const;
};

/// Bytes that the gradient of a parameter of this shape takes in this form, when `part` trains. Of a
/// reduced gradient, the places of its values are counted too.
std::size_t gradient_bytes(const engine::GradientForm& form, const engine::Shape& full,
                           const engine::Selection& part = {});

/// Estimates the memory of a run from a forward and a backward pass with one and with three grey images (with
/// more where patches are left out): all that grows with the batch grows by the same amount for every image.
/// What trains is chosen by ties, as many values as will be chosen by the scores. Leaves nothing behind but
/// the choice.
MemoryEstimate estimate_memory(Run& run, const TrainConfig& config);

/// What inference with a model that is loaded holds at most, by its sizes: no pass is made, so that it can be
/// refused before. Class scores are of one batch: who keeps those of all images adds them as results.
MemoryEstimate estimate_inference(const models::VitConfig& config, Index batch_size);

/// Throws an Error that names what to lower when inference needs more than the `free` bytes.
void check_inference_memory(const MemoryEstimate& estimate, std::size_t free);

/// Throws an Error that names what to lower when a run needs more than the `free` bytes.
void check_memory(const MemoryEstimate& estimate, std::size_t free);

}  // namespace training
