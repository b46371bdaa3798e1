#pragma once

#include <map>

#include "tests/end_to_end/garden.h"
#include "tests/faults/recording.h"

namespace faults {

namespace fs = std::filesystem;
using end_to_end::Outcome;
using end_to_end::Words;
using end_to_end::operator+;

/// A run that is small but has all that a resumed run must bring back: scoring, random augmentation, mixing,
/// dropped paths, averages, and checkpoints between evaluations. It has been made once, unbroken and
/// recorded.
class Trial : public end_to_end::Garden {
 public:
  Trial();

  /// Where the run makes its folder and the one above it; empty before a run.
  fs::path ground() const { return path() / "ground"; }
  /// The run's folder.
  fs::path folder() const { return ground() / "new/run"; }
  /// `tune` and its options.
  Words words() const;
  /// Starts the run with some more words and a fault ("kill_before:17", see program.cpp).
  Outcome start(const Words& more = {}, const std::string& fault = "") const;
  /// Goes on with what is there, and expects to end as the unbroken run did. `after` is what came before, for
  /// messages.
  Outcome resume(const std::string& after) const;
  /// What is otherwise than the unbroken run left it, apart from times; "" when nothing is.
  std::string difference() const;
  /// Removes what the run made.
  void clear() const;

  /// The calls of the unbroken run to its file system; a fault's number counts them from 1.
  const std::vector<Call>& calls() const { return calls_; }
  bool is(const char* name, long number) const {
    return calls_[static_cast<std::size_t>(number - 1)].name == name;
  }
  /// The numbers of all calls; under sanitizers of some of them.
  std::vector<long> numbers() const;

 private:
  std::vector<Call> calls_;
  std::map<std::string, std::string> whole_;  ///< file, content
};

/// Runs the program and records its calls; they are read back from `file`.
Outcome run_recorded(const fs::path& file, const Words& words);
/// Runs the program with a fault.
Outcome run_with(const std::string& fault, const Words& words);
/// The hidden names in a folder: files that were begun.
Words leftovers(const fs::path& folder);
/// True when the environment asks for every case (ESPALIER_EXHAUSTIVE=1) and not for those that take a
/// minute.
bool exhaustive();

}  // namespace faults
