#pragma once

namespace training {

/// The most memory this process has had, or has had since the last reset, in MB (10^6 bytes).
double peak_mb();
/// Starts over to look for the peak. False where the system does not allow it: peak_mb() then goes on to
/// tell that of the whole process.
bool reset_peak_mb();

}  // namespace training
