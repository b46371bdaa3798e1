#pragma once

#include "peft/method_info.h"

namespace peft {

/// SHiRA (Bhardwaj et al. 2024): a sparse high-rank adapter, its mask by chance, weight, gradient or both.
MethodInfo shira();

}  // namespace peft
