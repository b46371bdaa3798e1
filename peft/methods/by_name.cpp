#include "peft/methods/by_name.h"

#include "peft/target.h"

namespace peft {

void ByName::prepare(engine::Module& model, const NextLoss&) {
  const std::vector<engine::NamedParameter> all = engine::parameters(model);
  const engine::Index blocks = engine::count_blocks(all);
  for (const auto& [name, parameter] : all) {
    parameter.train(engine::in_head(name) || trains(name, blocks) ? engine::Selection::all()
                                                                  : engine::Selection::none());
  }
}

}  // namespace peft
