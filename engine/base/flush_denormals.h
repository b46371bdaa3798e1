#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace engine {

/// While it lives, the calling thread takes denormal operands for zero and stores zero for denormal results:
/// a processor takes a hundred cycles and more for each of them. Then the thread has its own mode again.
/// Where the processor is neither x86-64 nor AArch64 nothing happens. Every thread that computes holds one,
/// so that values do not depend on which thread computed them.
class FlushDenormals {
 public:
  FlushDenormals() : before_(read()) {
    if ((before_ & kFlush) != kFlush) write(before_ | kFlush);
  }
  ~FlushDenormals() {
    // Exceptions that were flagged meanwhile stay so.
    if ((before_ & kFlush) != kFlush) write((read() & ~kFlush) | (before_ & kFlush));
  }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
#if defined(__x86_64__)
  using Mode = std::uint32_t;
  static constexpr Mode kFlush = 0x8040;  // MXCSR: results (bit 15) and operands (bit 6)
  static Mode read() {
    return _mm_getcsr();
  }
  static void write(Mode mode) {
    _mm_setcsr(mode);
  }
#elif defined(__aarch64__)
  using Mode = std::uint64_t;
  static constexpr Mode kFlush = Mode{1} << 24;  // FPCR.FZ: both
  static Mode read() {
    Mode mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
  }
  static void write(Mode mode) {
    __asm__ volatile("msr fpcr, %0" : : "r"(mode) : "memory");
  }
#else
  using Mode = int;
  static constexpr Mode kFlush = 0;
  static Mode read() {
    return 0;
  }
  static void write(Mode) {}
#endif

  Mode before_;
};

}  // namespace engine
