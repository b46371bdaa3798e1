#include <cmath>
#include <utility>

#include "engine/autograd/backward.h"
#include "engine/tensor/random.h"
#include "peft/method_info.h"
#include "peft/selection/selecting.h"
#include "peft/target.h"

namespace peft {
namespace {

using engine::Index;
using engine::NamedParameter;
using engine::Tensor;

constexpr double kSmallest = 0.1;  // of |h|, as in the official code
constexpr double kStep = 1e-3;     // of the difference quotient

class Sam : public SelectingMethod {
 public:
  struct Hessian {
    Index probes = 0;  ///< 0: taken to be equal everywhere
    double power = 1;
    std::uint64_t seed = 0;
  };
  Sam(Options options, const Hessian& hessian) : SelectingMethod(std::move(options)), hessian_(hessian) {}
  MethodTraits traits() const override {
    return {.chooses = true, .weight_copies = hessian_.probes > 0 ? 6 : 0};
  }
  void prepare(engine::Module& model, const NextLoss& next_loss) override {
    diagonals_.clear();
    SelectingMethod::prepare(model, next_loss);
  }

 protected:
  void after_scoring(const std::vector<NamedParameter>& targets, const NextLoss& next_loss) override {
    if (hessian_.probes > 0) estimate(targets, next_loss);
  }

  Tensor importance(const NamedParameter& target, const Tensor& gradient) override {
    const auto found = diagonals_.find(target.name);
    if (found == diagonals_.end()) return gradient;
    Tensor ranked = gradient.clone();
    engine::visit(ranked.dtype(), [&]<class T>() {
      const T* h = found->second.template data<T>().data();
      for (T& g : ranked.data<T>()) {
        const double curvature = std::max(std::abs(static_cast<double>(*h++)), kSmallest);
        g = static_cast<T>(g / std::pow(curvature, hessian_.power / 2));
      }
    });
    return ranked;
  }

 private:
  /// h = the mean over probes z of +-1 of z * (H z), on the last batch (Hutchinson 1990); H z by a forward
  /// difference of gradients.
  void estimate(const std::vector<NamedParameter>& targets, const NextLoss& next_loss) {
    std::vector<Tensor> sums;
    for (const NamedParameter& p : targets) sums.push_back(std::exchange(p.parameter.grad(), {}));
    const std::vector<Tensor> here = gradients(targets, next_loss.again());
    for (const NamedParameter& p : targets) diagonals_[p.name] = Tensor::zeros(p.parameter.value().shape());
    for (Index probe = 0; probe < hessian_.probes; ++probe) add_probe(probe, targets, next_loss, here);
    for (std::size_t i = 0; i < targets.size(); ++i) targets[i].parameter.grad() = sums[i];
  }

  void add_probe(Index probe, const std::vector<NamedParameter>& targets, const NextLoss& next_loss,
                 const std::vector<Tensor>& here) {
    std::vector<Tensor> weights, signs;
    for (const NamedParameter& p : targets) {
      engine::Random random = random_of(hessian_.seed, p.name, static_cast<std::uint64_t>(probe));
      weights.push_back(p.parameter.value());
      signs.push_back(engine::normal(p.parameter.value().shape(), random, 1));
      Tensor moved = weights.back().clone();
      float *z = signs.back().data<float>().data(), *w = moved.data<float>().data();
      for (Index i = 0; i < moved.numel(); ++i) {
        z[i] = z[i] < 0 ? -1.0f : 1.0f;
        w[i] += static_cast<float>(kStep) * z[i];
      }
      p.parameter.value() = moved;
    }
    const std::vector<Tensor> there = gradients(targets, next_loss.again());
    for (std::size_t t = 0; t < targets.size(); ++t) {
      targets[t].parameter.value() = weights[t];
      const float *z = signs[t].data<float>().data(), *g0 = here[t].data<float>().data(),
                  *g1 = there[t].data<float>().data();
      float* h = diagonals_[targets[t].name].data<float>().data();
      for (Index i = 0; i < weights[t].numel(); ++i)
        h[i] += z[i] * (g1[i] - g0[i]) / static_cast<float>(kStep * static_cast<double>(hessian_.probes));
    }
  }

  static std::vector<Tensor> gradients(const std::vector<NamedParameter>& targets, const Tensor& loss) {
    engine::backward(loss);
    std::vector<Tensor> all;
    for (const NamedParameter& p : targets) all.push_back(std::exchange(p.parameter.grad(), {}));
    return all;
  }

  Hessian hessian_;
  std::map<std::string, Tensor> diagonals_;
};

}  // namespace

MethodInfo sam() {
  return {"sam",
          "share of every weight matrix with the largest g^2 / h",
          "SAM, the second-order approximation method of \"On the Effectiveness of Parameter-Efficient "
          "Fine-Tuning\" (Fu et al. 2023, arXiv 2211.15583). The elements with the largest g^2 / h train, "
          "where g is the accumulated gradient and h the diagonal of the Hessian: taken as constant or, "
          "with --probes N, estimated on the last batch by Hutchinson's method, |h| being at least 0.1. "
          "--hessian-power p ranks by g^2 / |h|^p; the official code has 0.005.",
          joined({rate_option("0.005"),
                  {{"probes", "N", "0",
                    "random probes that estimate the Hessian's diagonal; 0: a constant diagonal"},
                   {"hessian-power",
                    "X",
                    "1",
                    "exponent p of |h|",
                    "",
                    {{"probes", {"0"}, "h is taken as constant without probes", true}}}},
                  scoring_options("ce", "all", "off")}),
          [](const OptionValues& values) -> std::unique_ptr<Method> {
            const Sam::Hessian hessian{values.integer("probes", 0), values.non_negative("hessian-power"),
                                       values.seed()};
            SelectingMethod::Options options = read_scoring(values, read_rate(values));
            if (hessian.probes > 0)
              options.scoring.more_than_sums = "--probes goes through the last batch again";
            return std::make_unique<Sam>(std::move(options), hessian);
          },
          // Of its code.
          {{"optimizer", "adamw"}, {"lr", "1e-5"}}};
}

}  // namespace peft
