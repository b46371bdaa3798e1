#pragma once

#include "peft/method.h"

namespace peft {

/// Full fine-tuning: every number trains.
class Full : public Method {
 public:
  void prepare(engine::Module& model, const NextLoss&) override;
};

}  // namespace peft
