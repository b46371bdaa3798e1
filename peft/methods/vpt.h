#pragma once

#include "peft/method_info.h"

namespace peft {

/// VPT (Jia et al. 2022): trained tokens, prompts, beside the pictures' own.
MethodInfo vpt();

}  // namespace peft
