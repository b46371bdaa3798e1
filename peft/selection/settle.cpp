#include "peft/selection/settle.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "peft/selection/select.h"

namespace peft {

using engine::Index;
using engine::NamedParameter;
using engine::Selection;
using engine::Tensor;

namespace {

constexpr double kMayMiss = 0.05;  // of the squares
constexpr Index kFirstStop = 9;    // batches: sums of few agree by chance

/// After how many batches to look next, when the last look was after `last`: 1, 2, 3, 4, 6, 9, 13, and then
/// twice what they are, again and again, so that half of every stop is a look, too.
Index next_look(Index last) {
  for (const Index look : std::array<Index, 7>{1, 2, 3, 4, 6, kFirstStop, 13}) {
    if (look > last) return look;
  }
  return 2 * next_look(last / 2);
}

/// What is not finite is left to whoever can name the images.
bool is_finite(const Tensor& ranked) {
  return std::isfinite(squares_of(ranked));
}

/// The squares that an earlier choice holds and those that a later one does, of some targets together.
struct Held {
  double early = 0, late = 0;

  void add(const Selection& a, const Selection& b, const Tensor& ranked) {
    early += squares_of(a.gather(ranked));
    late += squares_of(b.gather(ranked));
  }
  double share() const { return late > 0 ? early / late : 1; }
};

/// The variance of the mean over `n` batches, 1/n, divided by that of the mean over `k` of them as an
/// estimate of it, 1/k - 1/n.
double variance_left(Index k, Index n) {
  return static_cast<double>(k) / static_cast<double>(n - k);
}

/// The share of `b` that `a` has too.
double share_common(const Selection& a, const Selection& b) {
  return static_cast<double>(common_units(a, b)) / static_cast<double>(b.indices().size());
}

/// What was chosen of every target by the first batches.
struct Chosen {
  Index batches = 0;
  std::vector<Selection> units = {};
};

class Settling {
 public:
  Settling(NextLoss losses, std::vector<NamedParameter> targets, const Units& units, Ranking ranking,
           std::vector<Look>& looks)
      : losses_(std::move(losses)),
        targets_(std::move(targets)),
        units_(units),
        ranking_(std::move(ranking)),
        looks_(looks) {}

  Tensor next() {
    if (ended_) return {};
    if (batches_ == due_ && settled()) return end();
    Tensor loss = losses_();
    if (loss.empty()) return end();
    ++batches_;
    return loss;
  }
  Tensor again() const { return losses_.again(); }

 private:
  /// Looks at the choice. True when more batches, however many, would probably find little that it misses.
  bool settled() {
    due_ = next_look(batches_);
    const auto half = std::ranges::find(seen_, batches_ / 2, &Chosen::batches);
    Chosen now{.batches = batches_};
    Held held;
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      const Tensor ranked = ranking_(targets_[i]);
      if (!is_finite(ranked)) return false;
      now.units.push_back(strongest(i, ranked));
      if (half != seen_.end()) held.add(half->units[i], now.units[i], ranked);
    }
    const bool may_stop = batches_ % kFirstStop == 0 && half != seen_.end() && held.late > 0;
    const double missed = may_stop ? (1 - held.share()) * variance_left(half->batches, batches_) : 1;
    seen_.push_back(std::move(now));
    return missed <= kMayMiss;
  }

  /// Nothing more; tells of all looks.
  Tensor end() {
    ended_ = true;
    std::vector<Look> looks;
    std::vector<Held> held(seen_.size());
    for (const Chosen& chosen : seen_) looks.push_back({chosen.batches, 0, 0});
    for (std::size_t i = 0; i < targets_.size() && !seen_.empty(); ++i) {
      const Tensor ranked = ranking_(targets_[i]);
      if (!is_finite(ranked)) return {};
      const Selection last = strongest(i, ranked);
      for (std::size_t s = 0; s < seen_.size(); ++s) {
        const Selection& early = seen_[s].units[i];
        looks[s].overlap += share_common(early, last);
        held[s].add(early, last, ranked);
      }
    }
    for (std::size_t s = 0; s < looks.size(); ++s) {
      looks[s].overlap /= static_cast<double>(targets_.size());
      looks[s].held = held[s].share();
    }
    looks_ = std::move(looks);
    seen_.clear();
    return {};
  }

  Selection strongest(std::size_t target, const Tensor& ranked) const {
    return units_.of(targets_[target].parameter.value().shape()).strongest(ranked);
  }

  NextLoss losses_;
  std::vector<NamedParameter> targets_;
  Units units_;
  Ranking ranking_;
  std::vector<Look>& looks_;
  std::vector<Chosen> seen_;
  Index batches_ = 0, due_ = 1;
  bool ended_ = false;
};

}  // namespace

NextLoss until_settled(NextLoss losses, std::vector<NamedParameter> targets, const Units& units,
                       Ranking ranking, std::vector<Look>& looks) {
  const auto settling =
      std::make_shared<Settling>(std::move(losses), std::move(targets), units, std::move(ranking), looks);
  return {[settling] { return settling->next(); }, [settling] { return settling->again(); }};
}

}  // namespace peft
