#pragma once

#include "peft/method_info.h"

namespace peft {

/// The recipe of GPS's code for VTAB-1k, with the median of its learning rates (3e-4 to 1e-2).
inline Recipe vtab_recipe() {
  return {{"augment", "vtab"},    {"resize", "squash"}, {"optimizer", "adam"},
          {"schedule", "cosine"}, {"min-lr", "1e-8"},   {"warmup-epochs", "10"},
          {"lr", "2e-3"},         {"epochs", "100"},    {"batch-size", "32"}};
}

}  // namespace peft
