#pragma once

#include "peft/method_info.h"

namespace peft {

/// LT-SFT (Ansell et al. 2022): train everything, keep the places that moved most, rewind, train only those.
MethodInfo lt_sft();

}  // namespace peft
