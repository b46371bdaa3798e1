#pragma once

#include "peft/adapters/site.h"
#include "peft/method.h"

namespace peft {

/// A method that attaches adapters and trains them and the head.
class AttachingMethod : public Method {
 public:
  void attach(engine::Module& model, const std::set<std::string>& stored = {}) override;
  void prepare(engine::Module& model, const NextLoss&) override;
  void check_model(engine::Module& model) const override { where(model); }
  /// With all of the adapters, frozen ones too: their first values may be random.
  PartsByName moved(engine::Module& model) const override;

 protected:
  /// The places in question. Throws an Error when there are none.
  virtual std::vector<Site> where(engine::Module& model) const = 0;
  virtual std::unique_ptr<engine::Adapter> make(const Site& site, engine::Module& model) const = 0;
};

/// A new linear layer's weight: uniform in +-1 / sqrt(inputs), which is PyTorch's default (Kaiming uniform
/// with a = sqrt(5)).
engine::Tensor kaiming_uniform(engine::Index out, engine::Index in, std::uint64_t seed,
                               const std::string& name);
/// Uniform in +-bound.
engine::Tensor uniform(const engine::Shape& shape, double bound, std::uint64_t seed, const std::string& name);

}  // namespace peft
