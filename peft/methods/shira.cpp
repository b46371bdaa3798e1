#include "engine/ops/arithmetic.h"
#include "engine/tensor/random.h"
#include "peft/method_info.h"
#include "peft/selection/selecting.h"
#include "peft/target.h"

namespace peft {
namespace {

enum class Mask { random, magnitude, gradient, snip };

class Shira : public SelectingMethod {
 public:
  Shira(Options options, Mask mask, std::uint64_t seed)
      : SelectingMethod(std::move(options)), mask_(mask), seed_(seed) {}

 protected:
  bool needs_gradient() const override { return mask_ == Mask::gradient || mask_ == Mask::snip; }
  engine::Tensor importance(const engine::NamedParameter& target, const engine::Tensor& gradient) override {
    const engine::Tensor w = target.parameter.value().detached();
    engine::Random random = random_of(seed_, target.name);
    switch (mask_) {
      case Mask::random:
        return engine::normal(w.shape(), random, 1);
      case Mask::magnitude:
        return w;
      case Mask::gradient:
        return gradient;
      case Mask::snip:
        return engine::multiply(w, gradient);
    }
    return gradient;
  }

 private:
  Mask mask_;
  std::uint64_t seed_;
};

}  // namespace

MethodInfo shira() {
  return {"shira", "share of every weight matrix, at random, by |w|, |g| or |w g|",
          "SHiRA (Bhardwaj et al. 2024, arXiv 2406.13175). A sparse increment on a share of every weight "
          "matrix. --mask is what ranks: random, magnitude |w|, gradient |g|, or snip |w g| (Lee et al. "
          "2019), with g accumulated over the batches.",
          joined({{{"mask", "random|magnitude|gradient|snip", "snip", "what ranks the elements"}},
                  rate_option("0.01"),
                  with_need(scoring_options("ce", "all", "off"),
                            {"mask", {"gradient", "snip"}, "the other masks need no images"},
                            {"score", "temperature", "score-batches", "score-augment", "score-image-size",
                             "score-classes"})}),
          [](const OptionValues& values) -> std::unique_ptr<Method> {
            static const std::vector<std::string> kMasks{"random", "magnitude", "gradient", "snip"};
            return std::make_unique<Shira>(read_scoring(values, read_rate(values)),
                                           static_cast<Mask>(values.choice("mask", kMasks)), values.seed());
          }};
}

}  // namespace peft
