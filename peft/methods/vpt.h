#pragma once

#include "peft/method_info.h"

namespace peft {

/// VPT (Jia et al. 2022): trained tokens, prompts, beside the images' own.
MethodInfo vpt();

}  // namespace peft
