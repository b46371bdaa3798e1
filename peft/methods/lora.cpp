#include "peft/adapters/lora_adapter.h"
#include "peft/method_info.h"

namespace peft {
MethodInfo lora() {
  return {"lora", "low-rank increments of linear layers, by default of queries, keys and values",
          "LoRA (Hu et al. 2021, arXiv 2106.09685). Every target's weight W becomes W + (alpha / rank) B A. "
          "A [rank, in] starts at random, B [out, rank] at zero; only they and the head train. `merge` "
          "writes the sum into the weight.",
          low_rank_options(), [](const OptionValues& values) -> std::unique_ptr<Method> {
            return std::make_unique<LowRankMethod<LoraAdapter>>(values);
          }};
}

}  // namespace peft
