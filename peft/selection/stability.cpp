#include "peft/selection/stability.h"

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

/// After how many batches to take the next snapshot, when the last one was after `last`: 1, 2, 3, 4, 6, 9,
/// 13, and then twice these, again and again, so that there is a snapshot at half of every stop, too.
Index next_snapshot(Index last) {
  for (const Index at : std::array<Index, 7>{1, 2, 3, 4, 6, kFirstStop, 13}) {
    if (at > last) return at;
  }
  return 2 * next_snapshot(last / 2);
}

/// What is not finite is left to whoever can name the images.
bool is_finite(const Tensor& ranked) {
  return std::isfinite(squares_of(ranked));
}

/// The squares that an earlier choice captures and those that a later one does, of some targets together.
struct Captured {
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

}  // namespace

Selection StabilityCheck::top(const NamedParameter& target, const Tensor& ranked) const {
  return units_.of(target.parameter.value().shape()).top(ranked);
}

bool StabilityCheck::after_batch(Index batches, const std::vector<NamedParameter>& targets) {
  if (batches != due_) return false;
  due_ = next_snapshot(batches);
  const auto half = std::ranges::find(seen_, batches / 2, &Chosen::batches);
  Chosen now{.batches = batches};
  Captured captured;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const Tensor ranked = importance_(targets[i]);
    if (!is_finite(ranked)) return false;
    now.units.push_back(top(targets[i], ranked));
    if (half != seen_.end()) captured.add(half->units[i], now.units[i], ranked);
  }
  const bool may_stop = batches % kFirstStop == 0 && half != seen_.end() && captured.late > 0;
  const double missed = may_stop ? (1 - captured.share()) * variance_left(half->batches, batches) : 1;
  seen_.push_back(std::move(now));
  return missed <= kMayMiss;
}

std::vector<Snapshot> StabilityCheck::snapshots(const std::vector<NamedParameter>& targets) const {
  std::vector<Snapshot> snapshots;
  std::vector<Captured> captured(seen_.size());
  for (const Chosen& chosen : seen_) snapshots.push_back({chosen.batches, 0, 0});
  for (std::size_t i = 0; i < targets.size() && !seen_.empty(); ++i) {
    const Tensor ranked = importance_(targets[i]);
    if (!is_finite(ranked)) return {};
    const Selection last = top(targets[i], ranked);
    for (std::size_t s = 0; s < seen_.size(); ++s) {
      const Selection& early = seen_[s].units[i];
      snapshots[s].overlap += share_common(early, last);
      captured[s].add(early, last, ranked);
    }
  }
  for (std::size_t s = 0; s < snapshots.size(); ++s) {
    snapshots[s].overlap /= static_cast<double>(targets.size());
    snapshots[s].captured = captured[s].share();
  }
  return snapshots;
}

}  // namespace peft
