#pragma once

#include "peft/method_info.h"

namespace peft {

/// LP-FT (Kumar et al. 2022): the head alone first, then everything from there at a lower rate.
MethodInfo lp_ft();

}  // namespace peft
