#pragma once

#include "peft/method_info.h"

namespace peft {

/// SaRA (Hu et al. 2024): the smallest weights train, their matrix held at a low rank.
MethodInfo sara();

}  // namespace peft
