#pragma once

#include "peft/method_info.h"

namespace peft {

/// The empirical Fisher information ranks: the sum over the batches of the squared gradient.
MethodInfo fisher();

}  // namespace peft
