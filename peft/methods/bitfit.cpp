#include "engine/nn/roles.h"
#include "peft/method_info.h"
#include "peft/methods/by_name.h"

namespace peft {
namespace {

class BitFit : public ByName {
 protected:
  bool trains(const std::string& name, engine::Index) const override { return engine::is_bias(name); }
};

}  // namespace

MethodInfo bitfit() {
  return {"bitfit",
          "all biases and the head",
          "BitFit (Ben Zaken et al. 2022, arXiv 2106.10199). All biases train, including those of norms "
          "and of queries or values alone, and the head. Tables of relative positions are no biases in this "
          "sense.",
          {},
          [](const OptionValues&) -> std::unique_ptr<Method> { return std::make_unique<BitFit>(); }};
}

}  // namespace peft
