#pragma once

#include "peft/adapters/site.h"

namespace peft {

/// The adapters of a model written into the layers they sit on: the same function, computed by the base's
/// own layers. Whole again with undo(), to the bit.
class Folding {
 public:
  /// Folds all adapters and takes them off. Throws an Error naming those that cannot be folded; nothing is
  /// changed then.
  explicit Folding(engine::Module& model);
  /// Puts the layers' former numbers back and the adapters on again.
  void undo();

 private:
  struct Folded {
    engine::Adaptable* layer;
    std::unique_ptr<engine::Adapter> adapter;
    std::vector<std::pair<engine::Parameter, engine::Tensor>> before;
  };
  std::vector<Folded> folded_;
};

}  // namespace peft
