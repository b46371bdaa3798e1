#pragma once

#include "peft/method_info.h"

namespace peft {

/// Adapters (Houlsby et al. 2019, Pfeiffer et al. 2021, Chen et al. 2022): small bottlenecks beside or behind
/// the frozen layers.
MethodInfo adapter();

}  // namespace peft
