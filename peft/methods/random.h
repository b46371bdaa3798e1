#pragma once

#include "peft/method_info.h"

namespace peft {

/// A random selection: what any ranking has to beat.
MethodInfo random();

}  // namespace peft
