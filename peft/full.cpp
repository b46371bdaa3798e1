#include "peft/full.h"

namespace peft {

void Full::prepare(engine::Module& model, const NextLoss&) {
  for (const auto& [name, parameter] : engine::parameters(model)) parameter.train(engine::Selection::all());
}

}  // namespace peft
