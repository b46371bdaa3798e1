#pragma once

#include "peft/method_info.h"

namespace peft {

/// LayerNorm tuning: scale and shift of every norm train, and the head.
MethodInfo ln();

}  // namespace peft
