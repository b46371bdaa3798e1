#include <algorithm>
#include <cmath>

#include "peft/method.h"
#include "peft/method_info.h"
#include "peft/selection/dense_gradients.h"
#include "peft/selection/largest.h"
#include "peft/selection/select.h"
#include "peft/selection/units.h"
#include "peft/target.h"

namespace peft {
namespace {

using engine::Index;
using engine::NamedParameter;
using engine::Selection;
using engine::Tensor;

std::vector<Index> united(const std::vector<Index>& a, const std::vector<Index>& b) {
  std::vector<Index> both;
  std::ranges::set_union(a, b, std::back_inserter(both));
  return both;
}

std::vector<Index> without(const std::vector<Index>& a, const std::vector<Index>& b) {
  std::vector<Index> rest;
  std::ranges::set_difference(a, b, std::back_inserter(rest));
  return rest;
}

class Spiel : public Method {
 public:
  struct Own {
    Units units;  ///< a share of every matrix
    Index period = 20, batches = 5;
    std::vector<std::string> targets;
    std::uint64_t seed = 0;
  };
  explicit Spiel(Own own) : own_(std::move(own)) {}

  std::vector<NamedParameter> pool(engine::Module& model) const override {
    return find_targets(model, own_.targets, layers_);
  }
  void check_model(engine::Module& model) const override { pool(model); }

  void prepare(engine::Module& model, const NextLoss&) override {
    begin(model);
    train_head_only(model);
    for (Tracked& t : tracked_) {
      engine::Random random = random_of(own_.seed, t.p.name);
      const Tensor chance = engine::normal(t.origin.shape(), random, 1);
      t.p.parameter.train(own_.units.top(chance));
    }
  }

  /// In the last steps of a period the gradients of the regrowable elements add up, on the step's own
  /// batches; the period ends with the exchange.
  void begin_step(engine::Module& model, const Step& step) override {
    const Index place = step.number % own_.period;
    if (step.number > 0 && place == 0) exchange(step);
    const bool ends = step.number - place < step.steps - own_.period;  // with an exchange, not with the run
    if (!ends || place < own_.period - own_.batches) return;
    const std::vector<Tensor> gradients = dense_gradients(model, targets(), step.loss);
    for (std::size_t i = 0; i < tracked_.size(); ++i) tracked_[i].add(gradients[i]);
  }
  MethodTraits traits() const override {
    return {.selection_is_fixed = false, .chooses = true, .weight_copies = 2};
  }

  engine::NamedTensors state() const override {
    engine::NamedTensors all;
    for (const Tracked& t : tracked_) {
      const Index count = static_cast<Index>(t.regrowable.size());
      if (count == 0) continue;
      all.emplace_back(t.p.name + ".candidates",
                       Tensor::of<std::int64_t>({count}, {t.regrowable.begin(), t.regrowable.end()}));
      all.emplace_back(t.p.name + ".sum", Tensor::of<float>({count}, t.sum));
      all.emplace_back(t.p.name + ".squares", Tensor::of<float>({count}, t.squares));
    }
    return all;
  }
  void restore(engine::Module& model, const PartsByName& trained,
               const engine::NamedTensors& state) override {
    begin(model);
    Method::restore(model, trained, state);
    const std::map<std::string, Tensor> given(state.begin(), state.end());
    for (Tracked& t : tracked_) {
      const auto found = given.find(t.p.name + ".candidates");
      if (found == given.end()) continue;
      const auto at = found->second.data<std::int64_t>();
      t.regrowable.assign(at.begin(), at.end());
      Selection::elements(t.regrowable)
          .check_fits(t.origin.shape(), "spiel: the saved candidates of " + t.p.name);
      const auto values_of = [&](const std::string& what) {
        const auto sums = given.find(t.p.name + what);
        engine::check(sums != given.end() && sums->second.numel() == found->second.numel(),
                      "spiel: the saved", t.p.name + what,
                      "should have as many values as there are candidates");
        const auto values = sums->second.data<float>();
        return std::vector<float>(values.begin(), values.end());
      };
      t.sum = values_of(".sum"), t.squares = values_of(".squares");
    }
  }

 private:
  struct Tracked {
    NamedParameter p;
    Tensor origin;                  ///< w0
    std::vector<Index> regrowable;  ///< to regrow, ascending: the top ones of the first gradient
    std::vector<float> sum, squares;

    void add(const Tensor& gradient) {
      if (!p.parameter.trains().any()) return;
      if (regrowable.empty()) {
        const std::vector<Index>& now = p.parameter.trains().indices();
        // As many again as train, so that enough are left without those that train already.
        regrowable = without(top_elements(gradient, 2 * std::ssize(now)).indices(), now);
        sum.assign(regrowable.size(), 0), squares.assign(regrowable.size(), 0);
      }
      for (std::size_t i = 0; i < regrowable.size(); ++i) {
        const float g = gradient.data<float>()[static_cast<std::size_t>(regrowable[i])];
        sum[i] += g, squares[i] += g * g;
      }
    }
  };

  std::vector<NamedParameter> targets() const {
    std::vector<NamedParameter> all;
    for (const Tracked& t : tracked_) all.push_back(t.p);
    return all;
  }

  void begin(engine::Module& model) {
    tracked_.clear();
    for (const NamedParameter& p : pool(model))
      tracked_.push_back({p, p.parameter.value().clone(), {}, {}, {}});
  }

  /// Drops the smallest increments and regrows as many of the regrowable elements with the largest gradient:
  /// all at the first time, then 0.2 (1 - t / T) of them.
  void exchange(const Step& step) {
    const bool first = step.number == own_.period;
    const double share =
        first ? 1 : 0.2 * (1 - static_cast<double>(step.number) / static_cast<double>(step.steps));
    for (Tracked& t : tracked_) {
      if (t.regrowable.empty()) continue;
      const std::vector<Index>& now = t.p.parameter.trains().indices();
      const Index count = std::min(static_cast<Index>(std::lround(share * static_cast<double>(now.size()))),
                                   static_cast<Index>(t.regrowable.size()));
      const std::vector<Index> dropped = drop(t, count), grown = grow(t, count);
      const std::vector<Index> next = united(without(now, dropped), grown);
      step.optimizer.reselect(t.p.parameter, Selection::elements(next), [&](Index element) {
        const auto at =
            static_cast<std::size_t>(std::ranges::lower_bound(t.regrowable, element) - t.regrowable.begin());
        const float n = static_cast<float>(own_.batches);
        return engine::Optimizer::InitialMoments{t.sum[at] / n, t.squares[at] / n};
      });
      t.regrowable.clear();
    }
  }

  /// The elements with the smallest increments, which are put back to w0.
  static std::vector<Index> drop(Tracked& t, Index count) {
    const Selection& part = t.p.parameter.trains();
    const auto now = part.gather(t.p.parameter.value()), then = part.gather(t.origin);
    std::vector<double> weakness;
    for (std::size_t i = 0; i < part.indices().size(); ++i)
      weakness.push_back(
          -std::abs(static_cast<double>(now.data<float>()[i]) - static_cast<double>(then.data<float>()[i])));
    std::vector<Index> dropped;
    for (const Index i : largest(weakness, count))
      dropped.push_back(part.indices()[static_cast<std::size_t>(i)]);
    const Selection gone = Selection::elements(dropped);
    gone.scatter(gone.gather(t.origin), t.p.parameter.value());
    return dropped;
  }

  static std::vector<Index> grow(const Tracked& t, Index count) {
    std::vector<double> importance;
    for (const float g : t.sum) importance.push_back(std::abs(static_cast<double>(g)));
    std::vector<Index> grown;
    for (const Index i : largest(importance, count))
      grown.push_back(t.regrowable[static_cast<std::size_t>(i)]);
    return grown;
  }

  Own own_;
  std::vector<Tracked> tracked_;
};

}  // namespace

MethodInfo spiel() {
  return {"spiel", "sparse increment that prunes its smallest elements and regrows others",
          "SpIEL with accumulated gradients (Ansell et al. 2024, arXiv 2401.16405). A share of every weight "
          "matrix trains, sampled at random at first. Every --period steps the smallest increments are "
          "pruned, all of them the first time and then 0.2 (1 - t / T) of them, and as many are regrown "
          "where the gradient accumulated over --grow-batches batches is largest. The Adam moments of a new "
          "element start from those gradients. They are computed separately, for whole matrices, in the "
          "last batches of a period: --grow-batches more backward passes per period. All elements of a "
          "matrix share one step count, so that a new one's moments are those of an element that has had "
          "its gradients all along.",
          joined({rate_option("0.01"),
                  {{"period", "N", "20", "steps between two rounds of pruning and regrowing"},
                   {"grow-batches", "N", "5", "batches whose gradients decide what is regrown"},
                   {"targets", "GLOB,...", "", "parameters to choose from",
                    "every weight matrix but the head's"}}}),
          [](const OptionValues& values) -> std::unique_ptr<Method> {
            Spiel::Own own;
            own.units = read_rate(values);
            own.period = values.integer("period", 1);
            own.batches = values.integer("grow-batches", 1);
            engine::check(own.batches <= own.period, "--grow-batches", own.batches,
                          "is more than the --period of", own.period, "steps");
            own.targets = values.list("targets");
            own.seed = values.seed();
            return std::make_unique<Spiel>(std::move(own));
          }};
}

}  // namespace peft
