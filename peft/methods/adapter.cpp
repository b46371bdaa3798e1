#include "engine/nn/linear.h"
#include "engine/ops/activation.h"
#include "engine/ops/arithmetic.h"
#include "peft/adapters/attaching.h"
#include "peft/method_info.h"
#include "peft/target.h"

namespace peft {
namespace {

using engine::Index;
using engine::Tensor;

enum class Style { houlsby, pfeiffer, parallel };

/// scale up(gelu(down(x))), up zero at first.
class Bottleneck : public engine::Adapter {
 public:
  Bottleneck(const Site& site, Style style, Index rank, double scale, std::uint64_t seed)
      : parallel_(style == Style::parallel),
        scale_(scale),
        down_(width_of(*site.layer), rank),
        up_(rank, width_of(*site.layer)) {
    down_.weight.value() = kaiming_uniform(rank, width_of(*site.layer), seed, site.name);
  }

  std::string_view name() const override { return "adapter"; }

  Tensor operator()(const Tensor& x, const engine::Base& layer) override {
    const Tensor y = layer(x);
    return engine::add(
        y, engine::scale(up_(down_.activated(parallel_ ? x : y, engine::Activation::gelu)), scale_));
  }
  bool merge_into(engine::Adaptable&) override { return false; }

  void parts(engine::Parts& visit) override {
    visit("down", down_);
    visit("up", up_);
  }

 private:
  bool parallel_;
  double scale_;
  engine::Linear down_, up_;
};

class Bottlenecks : public AttachingMethod {
 public:
  explicit Bottlenecks(const OptionValues& values) : rank_(values.integer("rank", 1)), seed_(values.seed()) {
    static const std::vector<std::string> kStyles{"houlsby", "pfeiffer", "parallel"};
    style_ = static_cast<Style>(values.choice("style", kStyles));
    scale_ =
        values.text("scale") == "auto" ? (style_ == Style::parallel ? 0.1 : 1) : values.positive("scale");
  }
  MethodTraits traits() const override { return {.merges = false}; }

 protected:
  std::vector<Site> where(engine::Module& model) const override {
    std::vector<Site> all = sites(model);
    std::erase_if(all, [&](const Site& site) {
      const engine::Role role = engine::role_of(site.name);
      const bool attention = role.inside == engine::kAttentionName, mlp = role.inside == engine::kMlpName;
      return role.kind != engine::Role::Kind::block || !(mlp || (attention && style_ == Style::houlsby));
    });
    for (const Site& site : all) {
      engine::check(rank_ <= 4 * width_of(*site.layer), "--rank", rank_,
                    "is more than four times the width of", site.name + ",", width_of(*site.layer));
    }
    engine::check(!all.empty(), "the model has no attention and no mlp to put an adapter after");
    return all;
  }
  std::unique_ptr<engine::Adapter> make(const Site& site, engine::Module&) const override {
    return std::make_unique<Bottleneck>(site, style_, rank_, scale_, seed_);
  }

 private:
  Style style_;
  Index rank_;
  double scale_;
  std::uint64_t seed_;
};

}  // namespace

MethodInfo adapter() {
  return {"adapter",
          "bottleneck adapters after or beside the layers of every block",
          "Bottleneck adapters: scale * up(gelu(down(x))) is added to the output of layers inside the "
          "residual branch. houlsby (Houlsby et al. 2019) puts them after attention and MLP, pfeiffer "
          "(Pfeiffer et al. 2021) after the MLP, both with the layer's output as x; parallel (AdaptFormer, "
          "Chen et al. 2022) beside the MLP, with its input as x. An attention pool behind the blocks gets "
          "none. up starts at zero. Adapters cannot be merged.",
          {{"style", "houlsby|pfeiffer|parallel", "pfeiffer", "position of the adapters"},
           {"rank", "N", "8", "width of the bottleneck"},
           {"scale", "auto|X", "auto", "factor of the adapter's output; auto: 1, but 0.1 for parallel"}},
          [](const OptionValues& values) -> std::unique_ptr<Method> {
            return std::make_unique<Bottlenecks>(values);
          }};
}

}  // namespace peft
