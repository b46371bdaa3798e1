#pragma once

#include "peft/method_info.h"

namespace peft {

/// SSF (Lian et al. 2022): scale and shift of the output of every layer train.
MethodInfo ssf();

}  // namespace peft
