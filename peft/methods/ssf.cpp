#include "engine/ops/arithmetic.h"
#include "peft/adapters/attaching.h"
#include "peft/method_info.h"
#include "peft/target.h"

namespace peft {
namespace {

using engine::Index;
using engine::Parameter;
using engine::Tensor;

class SsfAdapter : public engine::Adapter {
 public:
  /// `spread` is the standard deviation of what is added to scale 1 and shift 0.
  SsfAdapter(const Site& site, double spread, std::uint64_t seed)
      : scale_(Tensor::full({site.weight->value().shape().rows()}, 1)) {
    if (site.bias) shift_.emplace(Tensor::zeros({site.weight->value().shape().rows()}));
    if (spread == 0) return;
    engine::Random random = random_of(seed, site.name);
    scale_.value() = engine::add(scale_.value(), engine::normal(scale_.value().shape(), random, spread));
    if (shift_) shift_->value() = engine::normal(scale_.value().shape(), random, spread);
  }

  std::string_view name() const override { return "ssf"; }

  Tensor operator()(const Tensor& x, const engine::Base& layer) override {
    return engine::affine(layer(x), scale_, shift_ ? Tensor(*shift_) : Tensor());
  }

  bool merge_into(engine::Adaptable& host) override {
    const auto weight = own_parameter(host, "weight"), bias = own_parameter(host, "bias");
    if (!weight || bias.has_value() != shift_.has_value()) return false;
    weight->value() = scaled_rows(weight->value());
    if (bias) bias->value() = engine::add(scaled_rows(bias->value()), shift_->value());
    // Of queries, keys and values in one matrix, keys may have no bias.
    for (const auto& [name, third] :
         {std::pair{engine::kQueryBiasName, Index{0}}, std::pair{engine::kValueBiasName, Index{2}}}) {
      const auto part = own_parameter(host, std::string(name));
      if (!part) continue;
      const Index rows = part->value().numel();
      part->value() = engine::multiply(part->value(), scale_.value().slice(third * rows, (third + 1) * rows));
    }
    return true;
  }

  void parts(engine::Parts& visit) override {
    visit("scale", scale_);
    if (shift_) visit("shift", *shift_);
  }

 private:
  Tensor scaled_rows(const Tensor& w) const { return engine::scale_samples(w, scale_.value()); }

  Parameter scale_;
  std::optional<Parameter> shift_;
};

class Ssf : public AttachingMethod {
 public:
  Ssf(double spread, std::uint64_t seed) : spread_(spread), seed_(seed) {}
  MethodTraits traits() const override { return {.starts_as_base = spread_ == 0}; }

 protected:
  std::vector<Site> where(engine::Module& model) const override {
    std::vector<Site> all = sites(model);
    std::erase_if(all, [](const Site& site) { return !site.weight; });
    return all;
  }
  std::unique_ptr<engine::Adapter> make(const Site& site, engine::Module&) const override {
    return std::make_unique<SsfAdapter>(site, spread_, seed_);
  }

 private:
  double spread_;
  std::uint64_t seed_;
};

}  // namespace

MethodInfo ssf() {
  return {
      "ssf",
      "scale and shift of the output of every layer",
      "SSF (Lian et al. 2022, arXiv 2210.08823). The output y of the patch embedding, of every norm and "
      "of every linear layer becomes scale * y + shift, feature by feature; a layer without a bias, or "
      "with one for queries and values alone, gets no shift. `merge` writes both into the layer. They start at 1 and 0, so that the function is the "
      "base's; the official code adds noise: --spread 0.02.",
      {{"spread", "X", "0", "standard deviation of the noise on the initial scales and shifts"}},
      [](const OptionValues& values) -> std::unique_ptr<Method> {
        return std::make_unique<Ssf>(values.non_negative("spread"), values.seed());
      },
      // Of its code.
      {{"optimizer", "adamw"},
       {"lr", "5e-3"},
       {"weight-decay", "5e-5"},
       {"schedule", "cosine"},
       {"epochs", "100"},
       {"ema", "0.9998"}}};
}

}  // namespace peft
