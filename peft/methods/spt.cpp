#include <algorithm>
#include <chrono>
#include <cmath>

#include "peft/adapters/lora_adapter.h"
#include "peft/method_info.h"
#include "peft/selection/select.h"
#include "peft/selection/selecting.h"
#include "peft/target.h"

namespace peft {
namespace {

using engine::Index;
using engine::NamedParameter;
using engine::Selection;
using engine::Tensor;

class Spt : public Method {
 public:
  struct Own {
    Scoring scoring;
    double rate = 0.005, matrix = 10, vector = 5;
    LowRank::Options lora;
    std::uint64_t seed = 0;
  };
  explicit Spt(Own own) : own_(std::move(own)) {}
  MethodTraits traits() const override { return {.count_depends_on_data = true, .chooses = true}; }
  std::vector<NamedParameter> pool(engine::Module& model) const override {
    std::vector<NamedParameter> all = parameters_of(model, layers_);
    std::erase_if(all, [](const NamedParameter& p) {
      return engine::role_of(p.name).part == engine::kPatchEmbedName || is_classified(p.name);
    });
    for (const Site& site : sites(model)) {
      if (!site.layer->adapter()) continue;  // of an earlier preparation
      std::erase_if(all, [&](const NamedParameter& p) { return p.name.starts_with(site.name + ".lora."); });
    }
    return all;
  }

  void attach(engine::Module& model, const std::set<std::string>& stored) override {
    for (const Site& site : sites(model)) {
      const auto first = stored.lower_bound(site.name + ".lora.");
      const bool wanted = site.linear() && first != stored.end() && first->starts_with(site.name + ".lora.");
      if (!wanted) site.layer->detach();  // of an earlier preparation
      if (wanted && !site.layer->adapter()) attach_lora(site);
    }
  }
  const Scoring* scoring() const override { return &own_.scoring; }

  void prepare(engine::Module& model, const NextLoss& next_loss) override {
    for (const Site& site : sites(model)) site.layer->detach();  // of an earlier preparation
    const std::vector<NamedParameter> scored = pool(model);
    const auto start = std::chrono::steady_clock::now();
    if (next_loss) {
      accumulate_gradients(model, scored, next_loss, own_.scoring.accumulate);
      check_some_gradient(scored, own_.scoring);
    }
    selected_.score_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::vector<Tensor> sensitivity;
    Index elements = 0;
    for (const NamedParameter& p : scored) {
      const engine::Shape& shape = p.parameter.value().shape();
      sensitivity.push_back(next_loss ? p.parameter.grad() : Tensor::zeros(shape));
      p.parameter.freeze();
      elements += shape.numel();
    }
    const auto chosen = top_overall(sensitivity, std::lround(own_.rate * static_cast<double>(elements)));
    train(model, scored, sensitivity, chosen);
  }

 private:
  /// A token that a head reads.
  static bool is_classified(const std::string& name) {
    return name == engine::kClassTokenName || name == engine::kDistillationTokenName;
  }

  void attach_lora(const Site& site) const {
    check_rank(site, own_.lora.rank);
    site.layer->attach(std::make_unique<LoraAdapter>(site, own_.lora, own_.seed));
  }

  /// A matrix with at least (parameters of its LoRA) / `matrix` chosen elements gets LoRA, a vector with at
  /// least (its elements) / `vector` of them trains whole, all others train the chosen elements; class and
  /// distillation token and head always train.
  void train(engine::Module& model, const std::vector<NamedParameter>& scored,
             const std::vector<Tensor>& sensitivity, const std::vector<std::vector<Index>>& chosen) {
    std::map<std::string, Site> linear;
    for (const Site& site : sites(model))
      if (site.linear()) linear.emplace(site.name + ".weight", site);
    PartsByName parts;
    std::vector<Site> dense;
    selected_.choices.clear();
    for (std::size_t i = 0; i < scored.size(); ++i) {
      const engine::Shape& shape = scored[i].parameter.value().shape();
      const double count = static_cast<double>(chosen[i].size());
      const auto matrix = linear.find(scored[i].name);
      const double added =
          static_cast<double>(own_.lora.rank) * static_cast<double>(shape.rows() + shape.columns());
      if (matrix != linear.end() && count >= added / own_.matrix) {
        dense.push_back(matrix->second);
      } else if (shape.rank() == 1 && count > 0 &&
                 count >= static_cast<double>(shape.numel()) / own_.vector) {
        parts.emplace(scored[i].name, Selection::all());
      } else if (count > 0) {
        const Selection part = Selection::elements(chosen[i]);
        parts.emplace(scored[i].name, part);
        selected_.choices.push_back({scored[i].name,
                                     part,
                                     scores_of(sensitivity[i], part),
                                     squares_of(sensitivity[i]),
                                     captured_share(sensitivity[i], part),
                                     {}});
      }
    }
    for (const Site& site : dense) attach_lora(site);
    for (const NamedParameter& p : engine::parameters(model)) {
      const bool lora = std::ranges::any_of(
          dense, [&](const Site& site) { return p.name.starts_with(site.name + ".lora."); });
      if (lora || engine::in_head(p.name) || is_classified(p.name)) parts.emplace(p.name, Selection::all());
    }
    train_only(model, parts);
  }

  Own own_;
};

}  // namespace

MethodInfo spt() {
  return {
      "spt",
      "by sensitivity: LoRA for some matrices, single elements of others",
      "SPT (He et al. 2023, arXiv 2303.08566). The sensitivity of an element is its squared gradient, "
      "summed over the first batches; of all elements the most sensitive share --rate is marked. A "
      "matrix with at least (parameters of its LoRA) / --matrix marked elements gets LoRA, a vector "
      "with at least (its elements) / --vector marked ones trains whole, and of all others the marked "
      "elements train. So do the tokens that a head reads, of class and distillation, and the head. The "
      "patch embedding is frozen.",
      joined(
          {{{"rate", "X", "0.005", "share of all elements that is marked"}},
           {{"matrix", "X", "10", "a matrix gets LoRA from (parameters of its LoRA) / X marked elements on"},
            {"vector", "X", "5", "a vector trains whole from (its elements) / X marked ones on"},
            {"rank", "N", "8", "rank of LoRA"},
            {"alpha", "X", "8", "LoRA's increment is scaled by alpha / rank"},
            {"score-batches", "all|N", "8", "batches to score on: one epoch, or the first N"}}}),
      [](const OptionValues& values) -> std::unique_ptr<Method> {
        Spt::Own own;
        own.scoring.loss = Scoring::Loss::ce;
        own.scoring.accumulate = Accumulate::squares;
        own.scoring.no_whole_gradient = "spt accumulates squared gradients";
        own.scoring.batches = values.text("score-batches") == "all" ? 0 : values.integer("score-batches", 1);
        own.rate = read_rate(values).rate;
        own.matrix = values.positive("matrix");
        own.vector = values.positive("vector");
        own.lora = {.rank = values.integer("rank", 1), .alpha = values.positive("alpha")};
        own.seed = values.seed();
        return std::make_unique<Spt>(std::move(own));
      },
      // Of its code.
      {{"optimizer", "adamw"},
       {"lr", "1e-3"},
       {"weight-decay", "1e-4"},
       {"epochs", "100"},
       {"batch-size", "64"}}};
}

}  // namespace peft
