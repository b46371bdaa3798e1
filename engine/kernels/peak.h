#pragma once

namespace engine::kernels {

/// f32 multiply-adds per second that all threads do together when nothing leaves the registers: what no
/// kernel can exceed on this machine as it runs now. Measured anew by every call, in about 50 ms.
double fma_peak();

}  // namespace engine::kernels
