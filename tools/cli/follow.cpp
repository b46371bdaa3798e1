#include "tools/cli/follow.h"

#include <algorithm>

#include "tools/cli/interrupt.h"

namespace cli {

training::Events Follower::events() {
  training::Events events;
  events.on_progress = [this](const training::ProgressEvent& event) { show(event); };
  events.on_note = [this](const std::string& text) {
    bar_.reset();  // of a scoring that has ended early
    note(text);
  };
  events.strict = are_notes_errors();
  events.stop = [] { return noted_signal() != 0; };
  return events;
}

void Follower::show(const training::ProgressEvent& event) {
  if (event.done == 0 || !bar_) {
    bar_.reset();
    bar_.emplace(event.part, event.total - std::max<engine::Index>(0, event.done - 1), event.size);
  }
  if (event.done > 0) bar_->advance(event.detail);
  if (event.done == event.total) bar_.reset();
}

void throw_interrupted(const training::Stopped& stopped) {
  using Kept = training::Stopped::Kept;
  check_interrupted(stopped.where + (stopped.kept == Kept::state       ? "; --resume goes on from there"
                                     : stopped.kept == Kept::no_scores ? "; --resume starts the scoring over"
                                                                       : ""));
}

}  // namespace cli
