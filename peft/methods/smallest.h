#pragma once

#include "peft/method_info.h"

namespace peft {

/// The smallest weights train: the opposite of `magnitude`.
MethodInfo smallest();

}  // namespace peft
