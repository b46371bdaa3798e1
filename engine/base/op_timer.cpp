#include "engine/base/op_timer.h"

#include <utility>

namespace engine {

constinit thread_local OpProfile* OpProfile::current = nullptr;

OpProfile::OpProfile() : before_(std::exchange(current, this)) {}

OpProfile::~OpProfile() {
  current = before_;
}

std::vector<OpRow> OpProfile::rows() const {
  std::vector<OpRow> rows;
  for (const auto& [key, row] : rows_) {
    if (row.calls > 0) rows.push_back(row);
  }
  return rows;
}

void OpTimer::open(const OpWork& work) {
  profile_ = OpProfile::current;
  const bool recomputed = profile_->recomputing_ > 0;
  OpRow& row = profile_->rows_[{work.kind, work.shape, recomputed}];
  row.work.kind = work.kind;
  row.work.shape = work.shape;
  row.work.multiply_adds += work.multiply_adds;
  row.work.bytes += work.bytes;
  row.recomputed = recomputed;
  row_ = &row;
  outer_ = std::exchange(profile_->open_, this);
  opened_ = Clock::now();
}

void OpTimer::close() {
  const Clock::duration lived = Clock::now() - opened_;
  row_->seconds += std::chrono::duration<double>(lived - inside_).count();
  ++row_->calls;
  if (outer_) outer_->inside_ += lived;
  profile_->open_ = outer_;
}

}  // namespace engine
