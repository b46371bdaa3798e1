#include "peft/bitfit.h"

namespace peft {

void BitFit::prepare(engine::Module& model, const NextLoss&) {
  train_head_only(model);
  for (const auto& [name, parameter] : engine::parameters(model)) {
    if (name.ends_with(".bias")) parameter.train(engine::Selection::all());
  }
}

}  // namespace peft
