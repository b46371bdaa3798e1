#pragma once

#include "peft/method_info.h"

namespace peft {

/// LoRA (Hu et al. 2021): W + (alpha / rank) B A trains in A and B.
MethodInfo lora();

}  // namespace peft
