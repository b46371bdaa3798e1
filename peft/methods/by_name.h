#pragma once

#include "peft/method.h"

namespace peft {

/// A method that trains whole parameters, chosen by their names, and the head.
class ByName : public Method {
 public:
  void prepare(engine::Module& model, const NextLoss&) override;

 protected:
  /// Whether a parameter outside the head trains; `blocks` are the blocks of the model.
  virtual bool trains(const std::string& name, engine::Index blocks) const = 0;
};

/// All parameters train.
class Everything : public ByName {
 protected:
  bool trains(const std::string&, engine::Index) const override { return true; }
};

}  // namespace peft
