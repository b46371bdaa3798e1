#pragma once

#include <vector>

namespace engine::kernels {

/// Processors of the machine that threads may run on.
class Processors {
 public:
  /// Those that loops may use: what the calling thread may run on or, where OpenMP binds threads to places
  /// (OMP_PROC_BIND, OMP_PLACES), the processors of all places. OpenMP then has bound the first thread to one
  /// place before main() began, so that its own affinity says nothing.
  static Processors of_loops();
  int count() const;
  /// Lets the calling thread and the programs that it starts run on these; false when the system refuses.
  /// Does nothing where OpenMP binds no thread. It may be called between fork() and exec.
  bool release_thread() const noexcept;

 private:
  int allowed_ = 1;
  std::vector<unsigned long> bound_;  ///< a bit for each, as the system takes them; empty: nothing is bound
};

}  // namespace engine::kernels
