#pragma once

#include <stdexcept>
#include <string>

namespace cli {

/// The user has asked the program to stop, and what was worth keeping is saved. Exit status 128 + signal.
struct Interrupted : std::runtime_error {
  Interrupted(int number, const std::string& what) : std::runtime_error(what), signal(number) {}
  int signal;
};

/// From now on SIGINT, SIGTERM and SIGHUP are noted, for the work to stop where it can go on later. A second
/// one ends the program at once, with status 128 + signal. A signal that the program was started to ignore,
/// as by nohup, stays ignored.
void note_signals();
/// From now on SIGTSTP (Ctrl-Z) is noted, too, for processes that were started to be suspended first.
void note_suspension();
/// True when one was noted that suspend() has not followed.
bool noted_suspension();
/// Suspends this process as SIGTSTP does and returns when it goes on.
void suspend();
/// The signal that was noted; 0 when there was none.
int noted_signal();
/// Throws an Interrupted that names the place `where` the work stopped, when a signal was noted.
void check_interrupted(const std::string& where);

}  // namespace cli
