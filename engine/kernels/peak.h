#pragma once

#include <functional>

namespace engine::kernels {

// What no kernel can exceed on this machine as it runs now, with all threads. Every call measures again, by
// the fastest of five samples: other programs that run meanwhile only make one slower. The second form goes
// by another clock, which gives seconds.

/// f32 multiply-adds per second when nothing leaves the registers, in about 50 ms.
double fma_peak();
double fma_peak(const std::function<double()>& clock);

/// Bytes per second between memory and the cores, in about 100 ms: c = a + b over three buffers of 128 MB,
/// together far larger than the last cache. Counted are the bytes that are read and those that are written,
/// 12 for each sum (as STREAM's "add" does, McCalpin 1995). That a processor may first read the line of c
/// that it is about to write is not counted: so a loop over values that is as fast as memory allows reaches
/// this rate when its operands and its result are counted once each, and one that mostly reads can exceed it.
/// The buffers stay in the pool until release_free_buffers().
double memory_bandwidth();
double memory_bandwidth(const std::function<double()>& clock);

}  // namespace engine::kernels
