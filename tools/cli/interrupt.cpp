#include "tools/cli/interrupt.h"

#include <unistd.h>

#include <atomic>
#include <csignal>

#include "engine/base/check.h"

namespace cli {
namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};
constexpr const char* kNames[] = {"SIGINT", "SIGTERM", "SIGHUP"};

std::atomic<int> noted{0};
static_assert(std::atomic<int>::is_always_lock_free);  // a signal may come at any time

extern "C" void note_signal(int number) {
  if (noted.exchange(number) != 0) ::_exit(128 + number);
}

std::string name_of(int number) {
  for (std::size_t i = 0; i < std::size(kSignals); ++i)
    if (kSignals[i] == number) return kNames[i];
  return "signal " + std::to_string(number);
}

}  // namespace

void note_signals() {
  for (int number : kSignals) {
    struct sigaction now {};
    ::sigaction(number, nullptr, &now);
    if (now.sa_handler == SIG_IGN) continue;
    struct sigaction then {};
    then.sa_handler = note_signal;
    then.sa_flags = SA_RESTART;
    ::sigaction(number, &then, nullptr);
  }
}

namespace {

std::atomic<bool> suspension{false};

extern "C" void note_stop(int) {
  suspension = true;
}

}  // namespace

void note_suspension() {
  struct sigaction now {};
  ::sigaction(SIGTSTP, nullptr, &now);
  if (now.sa_handler == SIG_IGN) return;
  struct sigaction then {};
  then.sa_handler = note_stop;
  then.sa_flags = SA_RESTART;
  ::sigaction(SIGTSTP, &then, nullptr);
}

bool noted_suspension() {
  return suspension.load();
}

void suspend() {
  suspension = false;
  std::raise(SIGSTOP);  // SIGTSTP does nothing in a group of processes that no shell looks after
}

int noted_signal() {
  return noted.load();
}

void check_interrupted(const std::string& where) {
  if (const int number = noted_signal())
    throw Interrupted(number, engine::say("stopped by", name_of(number), where));
}

}  // namespace cli
