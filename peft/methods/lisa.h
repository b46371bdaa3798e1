#pragma once

#include "peft/method_info.h"

namespace peft {

/// LISA (Pan et al. 2024): a few blocks, drawn anew every few steps, train, and all that is no block.
MethodInfo lisa();

}  // namespace peft
