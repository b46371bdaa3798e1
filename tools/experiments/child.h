#pragma once

#include <functional>
#include <string>
#include <vector>

namespace experiments {

/// How a process ended.
struct ChildEnd {
  int status = 0;     ///< exit status; 128 + the signal when one ended it
  std::string error;  ///< its last line on standard error that begins with "espalier: ", without that
};

/// What whoever waits for a process does meanwhile. The first two must be set.
struct ChildHooks {
  /// Gets every line of its standard error but the one that is its error.
  std::function<void(const std::string&)> on_line;
  /// A signal to pass on, 0 while there is none. It is sent once, for the process to save and exit.
  std::function<int()> stop_signal;
  /// True when the user has asked to suspend this process: the other one is then stopped, `suspend` called,
  /// which comes back when this one goes on, and the other one goes on, too.
  std::function<bool()> suspension = [] { return false; };
  std::function<void()> suspend = [] {};
};

/// Runs this program with other arguments as a process of its own and waits for its end. When this process
/// dies, that one gets SIGTERM. Its standard output is read and dropped. Throws an Error when no process can
/// be had.
ChildEnd run_child(const std::vector<std::string>& arguments, const ChildHooks& hooks);

}  // namespace experiments
