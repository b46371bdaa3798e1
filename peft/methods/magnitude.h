#pragma once

#include "peft/method_info.h"

namespace peft {

/// The largest weights train: a selection that looks at no image.
MethodInfo magnitude();

}  // namespace peft
