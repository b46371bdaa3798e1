#pragma once

#include "peft/method_info.h"

namespace peft {

/// SpIEL (Ansell et al. 2024): a sparse increment that drops and regrows its elements while it trains.
MethodInfo spiel();

}  // namespace peft
