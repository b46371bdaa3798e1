#pragma once

#include "peft/method_info.h"

namespace peft {

/// BitFit (Ben Zaken et al. 2022): every bias trains, the norms' included, and the head.
MethodInfo bitfit();

}  // namespace peft
