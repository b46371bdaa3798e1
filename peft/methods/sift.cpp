#include "peft/method_info.h"
#include "peft/selection/candidates.h"
#include "peft/selection/selecting.h"

namespace peft {

MethodInfo sift() {
  return {"sift",
          "top share of the elements of every weight matrix",
          "SIFT (Song et al. 2024, arXiv 2312.11875). Of every tensor with n elements, the min(floor(rate "
          "n) + 1, n) with the largest gradient in the first batch train, as a sparse increment with packed "
          "optimizer state. The head trains as a whole.",
          joined({rate_option("0.01"), scoring_options("ce", "1", "off"), candidates_option()}),
          [](const OptionValues& values) -> std::unique_ptr<Method> {
            return std::make_unique<SelectingMethod>(read_element_scoring(values, read_rate(values)));
          },
          // Of its code for GLUE.
          {{"targets", "blocks.*.attn.*.weight"},
           {"rate", "0.008"},
           {"optimizer", "adamw"},
           {"schedule", "linear"},
           {"warmup-epochs", "0.6"},
           {"lr", "7e-5"},
           {"epochs", "10"},
           {"batch-size", "32"}}};
}

}  // namespace peft
