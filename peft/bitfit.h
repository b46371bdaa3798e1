#pragma once

#include "peft/method.h"

namespace peft {

/// BitFit (Ben Zaken et al. 2022): every bias trains, the norms' included, and the head.
class BitFit : public Method {
 public:
  void prepare(engine::Module& model, const NextLoss&) override;
};

}  // namespace peft
