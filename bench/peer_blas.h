#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bench/products.h"

namespace bench {

/// Another library's matrix product, found when the program runs: nothing is linked against it.
class PeerBlas {
 public:
  const std::string& name() const { return name_; }
  void multiply(const Product& product, Operands& operands) const;

 private:
  // cblas_sgemm of the BLAS interface for C; the three enumerations are ints.
  using Sgemm = void (*)(int order, int a_transposed, int b_transposed, int m, int n, int k, float alpha,
                         const float* a, int a_stride, const float* b, int b_stride, float beta, float* c,
                         int c_stride);
  friend std::vector<PeerBlas> open_peers();
  std::string name_;
  Sgemm sgemm_ = nullptr;
};

/// OpenBLAS, BLIS and MKL, those that the dynamic linker finds; a line to stderr names one that it does not.
/// MKL comes from PyPI, so LD_LIBRARY_PATH has to name its folder.
std::vector<PeerBlas> open_peers();

}  // namespace bench
