#include "tools/training/events.h"

namespace training {

void check_stop(const Events& events, const std::string& where) {
  if (events.stop()) throw Stopped(where);
}

ProgressReport::ProgressReport(const Events& events, std::string part, Index total, Index size)
    : events_(events), now_{.part = std::move(part), .done = 0, .total = total, .size = size} {
  events_.on_progress(now_);
}

void ProgressReport::advance(const std::string& detail) {
  ++now_.done;
  now_.detail = detail;
  events_.on_progress(now_);
}

}  // namespace training
