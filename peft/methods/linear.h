#pragma once

#include "peft/method_info.h"

namespace peft {

/// The linear probe: only the head trains.
MethodInfo linear();

}  // namespace peft
