#pragma once

#include "peft/method_info.h"

namespace peft {

/// The last blocks, the norm behind them and the head train (partial-k).
MethodInfo last_k();

}  // namespace peft
