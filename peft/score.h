#pragma once

#include <functional>

#include "engine/nn/state.h"

namespace peft {

/// Gives the loss of the next batch, and an empty Tensor when there are no more.
using NextLoss = std::function<engine::Tensor()>;

/// What a method asks of whoever computes its scoring losses.
struct Scoring {
  enum class Loss { supcon, ce };
  Loss loss = Loss::supcon;
  double temperature = 0.07;
  engine::Index batches = 0;  ///< 0: one epoch
  bool augment = true;        ///< two SimCLR views; otherwise both views are the picture itself
};

/// The signed sum over all batches of the gradients of `targets`, whole: exactly one backward pass per batch,
/// all other parameters frozen. The gradients stay in the parameters. Throws an Error naming the tensor when
/// a number in the sum is not finite, and when there was no batch.
void accumulate_gradients(engine::Module& model, const std::vector<engine::NamedParameter>& targets,
                          const NextLoss& next_loss);

}  // namespace peft
