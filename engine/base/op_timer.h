#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <map>
#include <string_view>
#include <vector>

#include "engine/base/check.h"

namespace engine {

/// What one call of an op is, and does at the least.
struct OpWork {
  std::string_view kind;  ///< text that outlives all profiles: "linear forward"
  /// m, n, k of a product (c [m, n] = a [m, k] b [k, n]); images, heads, queries, keys and width of an
  /// attention; rows and columns of a loop over values. What is not used is 0.
  std::array<Index, 5> shape{};
  Index multiply_adds = 0;  ///< those that kernels::multiply_adds() counts
  std::size_t bytes = 0;    ///< of operands and results, each counted once
};

/// Calls of one kind and shape, added up.
struct OpRow {
  OpWork work;              ///< of all calls together
  bool recomputed = false;  ///< they computed once more what the forward pass did not keep
  Index calls = 0;
  double seconds = 0;  ///< without the ops that ran inside
};

/// While it lives, the ops that its thread runs are timed. One inside another takes over until it ends.
class OpProfile {
 public:
  OpProfile();
  ~OpProfile();
  OpProfile(const OpProfile&) = delete;
  OpProfile& operator=(const OpProfile&) = delete;

  /// What has ended so far, by kind and shape.
  std::vector<OpRow> rows() const;

 private:
  friend class OpTimer;
  friend class Recomputing;
  struct Key {
    std::string_view kind;
    std::array<Index, 5> shape;
    bool recomputed;
    auto operator<=>(const Key&) const = default;
  };
  static constinit thread_local OpProfile* current;

  std::map<Key, OpRow> rows_;
  class OpTimer* open_ = nullptr;  // the innermost
  int recomputing_ = 0;
  OpProfile* before_;
};

/// Adds a call to the profile of its thread: the seconds it lives, less those of timers inside it. So the
/// seconds of all rows add up to no more than has passed, unlike those of PhaseTimer, whose phases contain
/// each other. Without a profile it does nothing, and `work`, which gives an OpWork, is not called.
class OpTimer {
 public:
  template <class F>
  explicit OpTimer(F work) {
    if (OpProfile::current) [[unlikely]]
      open(work());
  }
  ~OpTimer() {
    if (profile_) [[unlikely]]
      close();
  }
  OpTimer(const OpTimer&) = delete;
  OpTimer& operator=(const OpTimer&) = delete;

 private:
  using Clock = std::chrono::steady_clock;
  void open(const OpWork& work);
  void close();

  OpProfile* profile_ = nullptr;
  OpTimer* outer_ = nullptr;
  OpRow* row_ = nullptr;
  Clock::duration inside_{};  // spent in timers inside this one
  Clock::time_point opened_;
};

/// While it lives, the ops that its thread runs count as recomputed.
class Recomputing {
 public:
  Recomputing() : profile_(OpProfile::current) {
    if (profile_) ++profile_->recomputing_;
  }
  ~Recomputing() {
    if (profile_) --profile_->recomputing_;
  }
  Recomputing(const Recomputing&) = delete;
  Recomputing& operator=(const Recomputing&) = delete;

 private:
  OpProfile* profile_;
};

}  // namespace engine
