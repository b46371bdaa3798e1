#include "engine/kernels/parallel.h"

#include <omp.h>

namespace engine::kernels {

void set_threads(int count) {
  check(count >= 0, "threads: a count of 0 (all cores) or more is needed, not", count);
  omp_set_num_threads(count == 0 ? omp_get_num_procs() : count);
}

int threads() {
  return omp_get_max_threads();
}

}  // namespace engine::kernels
