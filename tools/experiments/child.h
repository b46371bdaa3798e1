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

/// Runs this program with other words as a process of its own, waits for its end and gives its lines on
/// standard error to `on_line`, but the one that is its error. A signal that note_signals() notes is passed
/// on to it once, for it to save and leave; when this process dies, it is told by SIGTERM. Its standard
/// output is read and forgotten. Throws an Error when no process can be had.
ChildEnd run_child(const std::vector<std::string>& words,
                   const std::function<void(const std::string&)>& on_line);

}  // namespace experiments
