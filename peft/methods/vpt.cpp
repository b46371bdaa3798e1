#include <algorithm>
#include <cmath>

#include "engine/ops/rearrange.h"
#include "peft/adapters/attaching.h"
#include "peft/method_info.h"
#include "peft/target.h"

namespace peft {
namespace {

using engine::Index;
using engine::Tensor;

constexpr Index kMostPrompts = 4096;  // memory is taken for them

/// Prompts behind the prefix tokens, for one block or for all of them; they are taken out again after it.
class Prompts : public engine::Adapter {
 public:
  Prompts(Tensor values, Index prefix) : prompts_(std::move(values)), prefix_(prefix) {}

  std::string_view name() const override { return "vpt"; }

  Tensor operator()(const Tensor& x, const engine::Base& layer) override {
    const Index count = prompts_.value().shape()[1];
    const Tensor y = layer(engine::insert_tokens(x, prompts_, prefix_));
    const bool all_tokens = y.shape().rank() == 3 && y.shape()[1] == x.shape()[1] + count;
    return all_tokens ? engine::remove_tokens(y, prefix_, count) : y;  // or those that are pooled alone
  }
  bool merge_into(engine::Adaptable&) override { return false; }
  void parts(engine::Parts& visit) override { visit("prompts", prompts_); }

 private:
  engine::Parameter prompts_;  // [1, count, width]
  Index prefix_;
};

class Vpt : public AttachingMethod {
 public:
  Vpt(bool deep, Index count, std::uint64_t seed) : deep_(deep), count_(count), seed_(seed) {}
  /// Attention sees the prompts from the first step on.
  MethodTraits traits() const override { return {.starts_as_base = false, .merges = false}; }

 protected:
  std::vector<Site> where(engine::Module& model) const override {
    std::vector<Site> all = sites(model);
    std::erase_if(all, [&](const Site& site) {
      const engine::Role role = engine::role_of(site.name);
      const auto wanted = deep_ ? engine::Role::Kind::block : engine::Role::Kind::blocks;
      return role.kind != wanted || !role.inside.empty();
    });
    engine::check(!all.empty(), "the model has no blocks to put prompts into");
    return all;
  }

  /// Uniform in +-sqrt(6 / (inputs of a patch + width)), as the official code has it.
  std::unique_ptr<engine::Adapter> make(const Site& site, engine::Module& model) const override {
    const Index width = width_of(*site.layer);
    Index inputs = 0;
    for (const auto& p : engine::parameters(model)) {
      const engine::Shape& shape = p.parameter.value().shape();
      const bool patches = engine::role_of(p.name).part == engine::kPatchEmbedName;
      if (patches && shape.rank() == 4) inputs = shape.columns();
    }
    const double bound = std::sqrt(6.0 / static_cast<double>(inputs + width));
    return std::make_unique<Prompts>(uniform({1, count_, width}, bound, seed_, site.name),
                                     engine::count_prefix_tokens(engine::parameters(model)));
  }

 private:
  bool deep_;
  Index count_;
  std::uint64_t seed_;
};

}  // namespace

MethodInfo vpt() {
  return {
      "vpt",
      "prompts: trained tokens beside those of the image",
      "VPT (Jia et al. 2022, arXiv 2203.12119). --tokens prompts stand before the patches, behind the class "
      "token and all other tokens; neither rotary nor relative positions see them. shallow: the same "
      "prompts pass through all blocks; deep: every block has its own, which replace those of the block "
      "before. Prompts cannot be merged.",
      {{"depth", "shallow|deep", "deep", "prompts for the first block, or for every block"},
       {"tokens", "N", "10", "number of prompts"}},
      [](const OptionValues& values) -> std::unique_ptr<Method> {
        static const std::vector<std::string> kDepths{"shallow", "deep"};
        return std::make_unique<Vpt>(values.choice("depth", kDepths) == 1,
                                     values.integer("tokens", 1, kMostPrompts), values.seed());
      }};
}

}  // namespace peft
