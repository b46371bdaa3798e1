#pragma once

#include "peft/method_info.h"

namespace peft {

/// SIFT (Song et al., ICML 2024, arXiv 2312.11875): of every tensor the share of elements with the largest
/// gradient in the first batch trains, as a sparse increment.
MethodInfo sift();

}  // namespace peft
