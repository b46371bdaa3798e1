#pragma once

#include <string_view>
#include <vector>

#include "engine/kernels/parallel.h"
#include "engine/kernels/simd.h"

namespace support {

/// While it lives, kernels use this instruction set, if the machine has it.
class UseSimd {
 public:
  explicit UseSimd(std::string_view name)
      : before_(engine::kernels::simd_name()), works_(engine::kernels::use_simd(name)) {}
  ~UseSimd() { engine::kernels::use_simd(before_); }
  UseSimd(const UseSimd&) = delete;
  UseSimd& operator=(const UseSimd&) = delete;
  bool works() const { return works_; }

 private:
  std::string_view before_;
  bool works_;
};

/// While it lives, loops use this many threads.
class UseThreads {
 public:
  explicit UseThreads(int count) : before_(engine::kernels::threads()) {
    engine::kernels::set_threads(count);
  }
  ~UseThreads() { engine::kernels::set_threads(before_); }
  UseThreads(const UseThreads&) = delete;
  UseThreads& operator=(const UseThreads&) = delete;

 private:
  int before_;
};

/// The instruction sets that this machine can run.
inline std::vector<std::string_view> simd_sets() {
  std::vector<std::string_view> sets;
  for (const std::string_view name : {"avx512", "avx2", "baseline"}) {
    if (UseSimd(name).works()) sets.push_back(name);
  }
  return sets;
}

}  // namespace support
