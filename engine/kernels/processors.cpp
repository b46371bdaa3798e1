#include "engine/kernels/processors.h"

#include <omp.h>
#include <sched.h>

#include <algorithm>
#include <bit>
#include <limits>

namespace engine::kernels {

Processors Processors::of_loops() {
  constexpr int kBits = std::numeric_limits<unsigned long>::digits;
  Processors found;
  found.allowed_ = std::max(1, omp_get_num_procs());
  for (int place = 0; place < omp_get_num_places(); ++place) {
    std::vector<int> numbers(static_cast<std::size_t>(omp_get_place_num_procs(place)));
    omp_get_place_proc_ids(place, numbers.data());
    for (const int number : numbers) {
      const auto word = static_cast<std::size_t>(number / kBits);
      found.bound_.resize(std::max(found.bound_.size(), word + 1));
      found.bound_[word] |= 1UL << (number % kBits);
    }
  }
  return found;
}

int Processors::count() const {
  if (bound_.empty()) return allowed_;
  int all = 0;
  for (const unsigned long word : bound_) all += std::popcount(word);
  return all;
}

bool Processors::release_thread() const noexcept {
  if (bound_.empty()) return true;
  return ::sched_setaffinity(0, bound_.size() * sizeof(unsigned long),
                             reinterpret_cast<const cpu_set_t*>(bound_.data())) == 0;
}

}  // namespace engine::kernels
