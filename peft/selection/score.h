#pragma once

#include <concepts>
#include <functional>

#include "engine/nn/state.h"

namespace peft {

/// Called after the backward pass of every batch, when the gradients of `targets` hold what was accumulated
/// over the first `batches`. True when that is enough and no other batch is needed.
using AfterBatch =
    std::function<bool(engine::Index batches, const std::vector<engine::NamedParameter>& targets)>;

/// Gives the loss of the next batch, and an empty Tensor when there are no more.
class NextLoss {
 public:
  using Done = std::function<void(const std::vector<engine::NamedParameter>& targets)>;

  /// No losses at all.
  NextLoss() = default;
  NextLoss(std::nullptr_t) {}
  /// `again` computes the loss of the last batch again, with the weights as they are then;
  /// `batches` is how many there will be, where that is known; `after` is called after each, `done` when all
  /// that is accumulated stands in the gradients of the targets.
  template <std::invocable F>
  requires(!std::same_as<F, NextLoss>)
      NextLoss(F next, std::function<engine::Tensor()> again = {}, engine::Index batches = 0,
               AfterBatch after = {}, Done done = {})
      : next_(std::move(next)),
        again_(std::move(again)),
        batches_(batches),
        after_(std::move(after)),
        done_(std::move(done)) {}

  explicit operator bool() const { return static_cast<bool>(next_); }
  engine::Tensor operator()() const { return next_(); }
  engine::Tensor again() const;
  /// How many there are in all; 0 when that is not known.
  engine::Index batches() const { return batches_; }
  bool after_batch(engine::Index batches, const std::vector<engine::NamedParameter>& targets) const {
    return after_ && after_(batches, targets);
  }
  void done(const std::vector<engine::NamedParameter>& targets) const {
    if (done_) done_(targets);
  }

 private:
  std::function<engine::Tensor()> next_, again_;
  engine::Index batches_ = 0;
  AfterBatch after_;
  Done done_;
};

/// How the gradients of the batches are put together.
enum class Accumulate {
  sums,    ///< with their signs
  squares  ///< the squares of each batch's gradient: the diagonal of the empirical Fisher information
};

/// How a method scores: what it asks of whoever computes its losses, and what it accumulates.
struct Scoring {
  enum class Loss { supcon, ce };
  Loss loss = Loss::supcon;
  double temperature = 0.07;
  engine::Index batches = 0;     ///< 0: one epoch
  bool until_stable = false;     ///< of those, only as many as the choice needs to be stable
  bool augment = true;           ///< two SimCLR views; otherwise both views are the image itself
  engine::Index image_size = 0;  ///< side of the images to score with; 0: as they are trained on
  engine::Index classes = 0;     ///< only images of the first classes; 0: of all

  Accumulate accumulate = Accumulate::sums;
  /// The form in which the gradient of a target is accumulated; empty: every one whole.
  std::function<engine::GradientForm(const engine::NamedParameter&)> form = {};
  /// True when the sums over the batches so far are all that the other batches need, so that scoring can
  /// resume from a file of them.
  bool resumes = true;
  /// Why the sums over all batches are not all that the choice is made of, so that no file of them stands for
  /// a scoring; empty where they are.
  std::string more_than_sums = {};
  /// Why the accumulated gradient of a target never exists whole; empty where it does.
  std::string no_whole_gradient = {};

  engine::GradientForm form_of(const engine::NamedParameter& target) const {
    return form ? form(target) : engine::GradientForm();
  }
};

/// The choice by the sums over some of the batches, compared with that by the sums over all that were drawn.
struct Snapshot {
  engine::Index batches;
  double overlap;   ///< the share of units in common, in the mean over the targets
  double captured;  ///< the squares of its units over those of the choice by all, in all targets together
};

/// The sum over all batches of the gradients of `targets`, or of their squares: exactly one backward pass per
/// batch, all other parameters frozen. A gradient is accumulated whole, or in the form given for it. The sums
/// stay in the parameters. After every batch that of `next_loss` is called, then `after`; the loop ends when
/// either has enough, or there are no more losses. Sums that `next_loss` has put into the gradients itself,
/// before it gave its first loss or instead of one, count. Throws an Error naming the tensor when a value of
/// the sum is not finite, and when there was no batch.
void accumulate_gradients(engine::Module& model, const std::vector<engine::NamedParameter>& targets,
                          const NextLoss& next_loss, Accumulate how = Accumulate::sums,
                          const std::vector<engine::GradientForm>& forms = {}, const AfterBatch& after = {});

}  // namespace peft
