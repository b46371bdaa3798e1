#include "tools/training/threads.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "engine/base/text.h"
#include "engine/kernels/parallel.h"
#include "engine/kernels/processors.h"
#include "tools/training/control_groups.h"
#include "tools/training/options/train_options.h"

namespace training {
namespace {

/// The first number of OMP_NUM_THREADS, of which OpenMP takes "4", " 4 " and "4,2". Nothing for an empty
/// text.
std::optional<int> asked_of_openmp(const std::string& text, const Events& events) {
  constexpr const char* kBlanks = " \t";
  const std::string list = text.substr(std::min(text.size(), text.find_first_not_of(kBlanks)));
  if (list.empty()) return std::nullopt;
  const std::string first = list.substr(0, list.find(','));
  const std::string number = first.substr(0, first.find_last_not_of(kBlanks) + 1);
  try {
    return static_cast<int>(engine::read_integer("OMP_NUM_THREADS", number, 1, kMostThreads));
  } catch (const engine::Error& e) {
    events.on_note(std::string("note: ") + e.what() + "; it is not used");
    return std::nullopt;
  }
}

}  // namespace

std::string Threads::text() const {
  return engine::say(count, count == 1 ? "thread:" : "threads:", from);
}

ThreadLimits thread_limits() {
  const int processors = engine::kernels::Processors::of_loops().count();
  return {.processors = processors,
          .online = std::max(processors, static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN))),
          .quota = quota_of_groups(),
          .omp_num_threads = std::getenv("OMP_NUM_THREADS")};
}

Threads choose_threads(Index asked, const ThreadLimits& limits, const Events& events) {
  if (asked > 0) return {static_cast<int>(asked), "--threads"};
  if (const auto count = asked_of_openmp(limits.omp_num_threads ? limits.omp_num_threads : "", events))
    return {*count, "OMP_NUM_THREADS"};
  if (limits.quota && std::ceil(*limits.quota) < limits.processors) {
    return {std::max(1, static_cast<int>(std::ceil(*limits.quota))),
            engine::say("the control group's quota of",
                        engine::shortest(std::round(100 * *limits.quota) / 100), "processors")};
  }
  if (limits.processors < limits.online) {
    return {limits.processors,
            engine::say("this process may run on", limits.processors, "of", limits.online, "processors")};
  }
  return {limits.processors, "all processors"};
}

Threads use_threads(Index asked, const Events& events) {
  const Threads threads = choose_threads(asked, thread_limits(), events);
  engine::kernels::set_threads(threads.count);
  events.on_note(threads.text());
  return threads;
}

}  // namespace training
