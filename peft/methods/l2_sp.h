#pragma once

#include "peft/method_info.h"

namespace peft {

/// L2-SP (Li et al. 2018): full fine-tuning with a pull to the pre-trained values, of the head to zero.
MethodInfo l2_sp();

}  // namespace peft
