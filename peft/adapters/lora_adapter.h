#pragma once

#include "peft/adapters/low_rank.h"

namespace peft {

/// LoRA's increment around a linear layer, under the name "lora".
class LoraAdapter : public engine::Adapter {
 public:
  LoraAdapter(const Site& site, const LowRank::Options& options, std::uint64_t seed)
      : increment_(site, options, seed) {}

  std::string_view name() const override { return "lora"; }
  engine::Tensor operator()(const engine::Tensor& x, const engine::Base& layer) override;
  bool merge_into(engine::Adaptable& host) override;
  void parts(engine::Parts& visit) override;

 private:
  LowRank increment_;
};

}  // namespace peft
