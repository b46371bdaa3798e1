#pragma once

#include <optional>
#include <string>

#include "tools/cli/console.h"
#include "tools/training/events.h"

namespace cli {

/// Shows on stderr what the work reports, and stops it at a noted signal.
class Follower {
 public:
  Follower() = default;
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  /// Notes, progress and stop; the follower must outlive them.
  training::Events events();

 private:
  void show(const training::ProgressEvent& event);
  std::optional<Progress> bar_;
};

/// Throws the Interrupted of the signal that the work has stopped for, with what --resume will do.
void throw_interrupted(const training::Stopped& stopped);

}  // namespace cli
