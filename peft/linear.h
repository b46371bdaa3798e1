#pragma once

#include "peft/method.h"

namespace peft {

/// The linear probe: only the head trains.
class Linear : public Method {
 public:
  void prepare(engine::Module& model, const NextLoss&) override { train_head_only(model); }
};

}  // namespace peft
