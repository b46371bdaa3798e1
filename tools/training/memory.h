#pragma once

#include <cstddef>
#include <string>

#include "engine/tensor/storage.h"
#include "tools/training/job.h"

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
struct MemoryForecast {
  std::size_t weights = 0, copies = 0, gradients = 0, optimizer = 0, activations = 0, images = 0;
  std::size_t program = 30'000'000;  ///< code, stacks and what is small: about that on Linux
  bool in_scoring = false;           ///< the most is needed while scoring, not while training
  std::size_t total() const {
    return weights + copies + gradients + optimizer + activations + images + program;
  }
  /// "weights 22 MB, ..."
  std::string text() const;
};

/// Bytes that the gradient of a parameter of this shape takes in this form. Of a fold, the places of its
/// numbers are counted too.
std::size_t gradient_bytes(const engine::Selection& form, const engine::Shape& full);

/// Foretells the memory of a run from a forward and a backward pass with one and with three grey images:
/// all that grows with the batch grows by the same amount for every image. What trains is chosen by ties,
/// as many numbers as will be chosen by the scores. Leaves nothing behind but the choice.
MemoryForecast forecast(Job& job, const TrainConfig& options);

/// Bytes that this process can still get: the least of what the system has, what its control group leaves it
/// and what its own limits do.
std::size_t free_memory();

/// Throws an Error that says what to lower when a run needs more memory than there is.
void check_memory(const MemoryForecast& forecast, std::size_t free);

}  // namespace training
