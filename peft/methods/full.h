#pragma once

#include "peft/method_info.h"

namespace peft {

/// Full fine-tuning: every number trains.
MethodInfo full();

}  // namespace peft
