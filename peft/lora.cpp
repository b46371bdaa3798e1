#include "peft/lora.h"

#include "peft/lora_adapter.h"

namespace peft {
namespace {

class Lora : public AttachingMethod {
 public:
  explicit Lora(const OptionValues& values)
      : options_(read_low_rank(values)), targets_(values.list("targets")), seed_(values.seed()) {}

 protected:
  std::vector<Site> where(engine::Module& model) const override { return linear_sites(model, targets_); }
  std::unique_ptr<engine::Adapter> make(const Site& site, engine::Module&) const override {
    return std::make_unique<LoraAdapter>(site, options_, seed_);
  }

 private:
  LowRank::Options options_;
  std::vector<std::string> targets_;
  std::uint64_t seed_;
};

}  // namespace

MethodInfo lora() {
  return {
      "lora", "increments of low rank of the attention's projections",
      "LoRA (Hu et al. 2021, arXiv 2106.09685). Every target's weight W becomes W + (alpha / rank) B A; A "
      "[rank, "
      "in] starts\n"
      "at random, B [out, rank] at zero, and only they and the head train. `merge` writes the sum into the "
      "weight.",
      low_rank_options(),
      [](const OptionValues& values) -> std::unique_ptr<Method> { return std::make_unique<Lora>(values); }};
}

}  // namespace peft
