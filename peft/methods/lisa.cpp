#include <algorithm>

#include "peft/method.h"
#include "peft/method_info.h"
#include "peft/target.h"

namespace peft {
namespace {

using engine::Index;
using engine::Role;
using engine::Selection;
using engine::Tensor;

class Lisa : public Method {
 public:
  Lisa(Index count, Index period, std::uint64_t seed) : count_(count), period_(period), seed_(seed) {}

  void check_model(engine::Module& model) const override {
    const Index blocks = engine::count_blocks(engine::parameters(model));
    engine::check(count_ <= blocks, "--blocks", count_, "is more than the", blocks, "blocks of the model");
  }
  void prepare(engine::Module& model, const NextLoss&) override {
    drawn_.clear();
    draw(model, 0);
  }
  void begin_step(engine::Module& model, const Step& step) override {
    if (step.number % period_ == 0) draw(model, step.number / period_);
  }
  MethodTraits traits() const override { return {.selection_is_fixed = false, .chooses = true}; }
  std::vector<engine::NamedParameter> pool(engine::Module& model) const override {
    std::vector<engine::NamedParameter> all = parameters_of(model, layers_);
    std::erase_if(all, [](const engine::NamedParameter& p) { return !engine::block_of(p.name); });
    return all;
  }

  PartsByName moved(engine::Module& model) const override { return parts_with(model, drawn_); }
  engine::NamedTensors state() const override {
    return {{"drawn",
             Tensor::of<std::int64_t>({static_cast<Index>(drawn_.size())}, {drawn_.begin(), drawn_.end()})}};
  }
  void restore(engine::Module& model, const PartsByName& trained,
               const engine::NamedTensors& state) override {
    Method::restore(model, trained, state);
    drawn_.clear();
    for (const auto& [name, tensor] : state) {
      if (name == "drawn")
        drawn_.insert(tensor.data<std::int64_t>().begin(), tensor.data<std::int64_t>().end());
    }
  }

 private:
  void draw(engine::Module& model, Index period) {
    engine::Random random = random_of(seed_, "blocks", static_cast<std::uint64_t>(period));
    std::set<Index> drawable;
    for (const auto& p : pool(model)) drawable.insert(*engine::block_of(p.name));
    const std::vector<Index> all(drawable.begin(), drawable.end()),
        order = random.permutation(std::ssize(all));
    std::set<Index> blocks;
    for (Index i = 0; i < std::min(count_, std::ssize(order)); ++i)
      blocks.insert(all[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])]);
    drawn_.insert(blocks.begin(), blocks.end());
    train_only(model, parts_with(model, blocks));
  }

  /// Those blocks, the embeddings, an attention pool and the head: all that is in no block but final norms.
  PartsByName parts_with(engine::Module& model, const std::set<Index>& blocks) const {
    PartsByName parts;
    const std::vector<engine::NamedParameter> all = engine::parameters(model);
    for (const auto& p : all) {
      if (!layers_.contains(p.name, engine::count_blocks(all))) continue;
      const Role role = engine::role_of(p.name);
      if (role.kind == Role::Kind::block ? blocks.contains(role.block) : role.kind != Role::Kind::final_norm)
        parts.emplace(p.name, Selection::all());
    }
    return parts;
  }

  Index count_, period_;
  std::uint64_t seed_;
  std::set<Index> drawn_;  ///< blocks that have trained
};

}  // namespace

MethodInfo lisa() {
  return {
      "lisa",
      "a few blocks, resampled every few steps",
      "LISA (Pan et al. 2024, arXiv 2403.17919). Every --period steps --blocks blocks are sampled; "
      "they, the embeddings, an attention pool and the head train. A block that did not train before starts with fresh "
      "optimizer state. The backward pass goes down to the embeddings. A delta holds every block that "
      "has been sampled.",
      {{"blocks", "N", "2", "blocks that train at a time"},
       {"period", "N", "20", "steps between two samplings"}},
      [](const OptionValues& values) -> std::unique_ptr<Method> {
        return std::make_unique<Lisa>(values.integer("blocks", 1), values.integer("period", 1),
                                      values.seed());
      }};
}

}  // namespace peft
