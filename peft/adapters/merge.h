#pragma once

#include "peft/adapters/site.h"

namespace peft {

/// The adapters of a model merged into the layers they sit on: the same function, computed by the base's own
/// layers. undo() restores the model to the bit.
class MergedAdapters {
 public:
  /// Merges all adapters and takes them off. Throws an Error naming those that cannot be merged; nothing is
  /// changed then.
  explicit MergedAdapters(engine::Module& model);
  /// Puts the layers' former values back and the adapters on again.
  void undo();

 private:
  struct Merged {
    engine::Adaptable* layer;
    std::unique_ptr<engine::Adapter> adapter;
    std::vector<std::pair<engine::Parameter, engine::Tensor>> before;
  };
  std::vector<Merged> merged_;
};

}  // namespace peft
