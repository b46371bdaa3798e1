#include "engine/base/phase.h"

#include <array>
#include <chrono>

namespace engine {
namespace {

using Clock = std::chrono::steady_clock;

struct Account {
  Clock::duration spent{};
  Clock::time_point opened{};
  int open = 0;  // timers that live
};

thread_local std::array<Account, kPhases> accounts;

Account& account(Phase phase) {
  return accounts[static_cast<std::size_t>(phase)];
}

}  // namespace

PhaseTimer::PhaseTimer(Phase phase) : phase_(phase) {
  Account& a = account(phase);
  if (a.open++ == 0) a.opened = Clock::now();
}

PhaseTimer::~PhaseTimer() {
  Account& a = account(phase_);
  if (--a.open == 0) a.spent += Clock::now() - a.opened;
}

double phase_seconds(Phase phase) {
  return std::chrono::duration<double>(account(phase).spent).count();
}

void reset_phases() {
  for (Account& a : accounts) a.spent = {};
}

}  // namespace engine
