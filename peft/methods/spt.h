#pragma once

#include "peft/method_info.h"

namespace peft {

/// SPT (He et al. 2023): by sensitivity a matrix gets a dense LoRA, single elements, or nothing.
MethodInfo spt();

}  // namespace peft
