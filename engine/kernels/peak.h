#pragma once

#include <functional>

namespace engine::kernels {

/// f32 multiply-adds per second that all threads do together when nothing leaves the registers: what no
/// kernel can exceed on this machine as it runs now. Every call measures again, in about 50 ms.
double fma_peak();
/// The same by another clock, which gives seconds.
double fma_peak(const std::function<double()>& clock);

}  // namespace engine::kernels
