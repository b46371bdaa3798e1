#pragma once

#include <string>
#include <vector>

#include "engine/nn/module.h"

namespace peft {

/// How many parameters of a model train.
struct Account {
  /// Parameters that differ only in the index of their block: "blocks.*.attn.qkv.weight".
  struct Group {
    std::string name;
    engine::Index tensors = 0, trainable = 0, total = 0;
  };
  engine::Index trainable = 0;  ///< with the head
  engine::Index head = 0;       ///< of the head
  engine::Index total = 0;      ///< of the model with the head
  std::vector<Group> groups;    ///< in the model's order

  /// 100 trainable / total.
  double percent() const;
};

Account account(engine::Module& model);

}  // namespace peft
