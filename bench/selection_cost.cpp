// What selection needs: one pass over the images of a task, with the whole gradient, looked at behind every
// batch. Because a sketch of a sum is the sum of the sketches, the one pass also shows what every sketch
// would have chosen.
//   bench_selection_cost (the options of `select`) > FILE
// Lines of values between tabs:
//   batches UNITS BATCHES OF OVERLAP ENERGY TOTAL  the choice after some batches, against that after all
//   half UNITS BATCHES OF OVERLAP ENERGY TOTAL     that after half as many, against that after these
//   sketch UNITS R SEED OVERLAP ENERGY TOTAL       that of a sketch of all batches, against the exact one
//   closer UNITS R SEED OVERLAP ENERGY TOTAL       that of a closer look behind a quarter of the batches
//   candidates UNITS C OF OVERLAP ENERGY TOTAL     that of C times as many candidates, through all batches
//   squares UNITS C OF ERROR TOTAL                 what those take for the squares of the whole gradient
// OVERLAP is the share of units in common, ENERGY the squared gradient of one choice over that of the other,
// both in the mean over the matrices; TOTAL is the latter of all matrices together. ERROR is
// the relative error, root mean square over the matrices, and its TOTAL that of all matrices together.

#include <cmath>
#include <cstdio>
#include <iostream>

#include "engine/base/div_up.h"
#include "engine/ops/ops.h"
#include "peft/selection/candidates.h"
#include "peft/selection/select.h"
#include "peft/selection/sketch.h"
#include "peft/target.h"
#include "tools/cli/command_line.h"
#include "tools/cli/console.h"
#include "tools/cli/tune_options.h"
#include "tools/training/run.h"
#include "tools/training/scoring_loop.h"

namespace {

using engine::Index;
using engine::NamedParameter;
using engine::Selection;
using engine::Tensor;
using peft::Units;

struct Rule {
  const char* name;
  Units units;
};
const Rule kRules[] = {{"short2", {.kind = Units::Kind::shorter, .k = 2}},
                       {"row3", {.kind = Units::Kind::row, .k = 3}},
                       {"column2", {.kind = Units::Kind::column, .k = 2}},
                       {"neuron1", {.kind = Units::Kind::neuron, .k = 1}},
                       {"element0.01", {.kind = Units::Kind::element, .rate = 0.01}}};

std::vector<Selection> choose(const std::vector<NamedParameter>& targets,
                              const std::vector<Tensor>& gradients, const Units& units) {
  std::vector<Selection> chosen;
  for (std::size_t i = 0; i < targets.size(); ++i)
    chosen.push_back(units.of(targets[i].parameter.value().shape()).top(gradients[i]));
  return chosen;
}

double squares(const Tensor& t) {
  double sum = 0;
  for (const float x : t.data<float>()) sum += static_cast<double>(x) * static_cast<double>(x);
  return sum;
}

/// What `a` has of `right`.
struct Agreement {
  double overlap;  ///< the share of units in common, in the mean over the matrices
  double energy;   ///< the ratio of the squared gradient, in the mean over the matrices
  double total;    ///< the ratio of the squared gradients of all matrices together
};
Agreement compare(const std::vector<Selection>& a, const std::vector<Selection>& right,
                  const std::vector<Tensor>& gradients) {
  double overlap = 0, energy = 0, held = 0, most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    overlap += static_cast<double>(peft::common_units(a[i], right[i])) /
               static_cast<double>(right[i].indices().size());
    const double part = squares(a[i].gather(gradients[i])), best = squares(right[i].gather(gradients[i]));
    energy += part / best;
    held += part;
    most += best;
  }
  const double matrices = static_cast<double>(a.size());
  return {overlap / matrices, energy / matrices, held / most};
}

void print(const char* what, const char* units, long a, long b, const Agreement& agreement) {
  std::printf("%s\t%s\t%ld\t%ld\t%.4f\t%.4f\t%.4f\n", what, units, a, b, agreement.overlap, agreement.energy,
              agreement.total);
}

std::vector<Tensor> sketches(const std::vector<NamedParameter>& targets, const std::vector<Tensor>& gradients,
                             const Units& units, Index r, std::uint64_t seed) {
  std::vector<Tensor> all;
  for (std::size_t i = 0; i < targets.size(); ++i)
    all.push_back(peft::sketch_of(targets[i], units, r, seed).of(gradients[i]));
  return all;
}

/// The choice among the `r` candidates that a sketch of `early` names, by the rest of the gradient.
std::vector<Selection> rescored(const std::vector<NamedParameter>& targets, const std::vector<Tensor>& early,
                                const std::vector<Tensor>& whole, Units units, Index r, std::uint64_t seed) {
  Units many = units;
  many.k = r;
  const std::vector<Selection> candidates = choose(targets, sketches(targets, early, units, r, seed), many);
  std::vector<Tensor> rest;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    rest.push_back(Tensor::zeros(whole[i].shape()));
    candidates[i].scatter(candidates[i].gather(engine::add(whole[i], engine::scale(early[i], -1))), rest[i]);
  }
  return choose(targets, rest, units);
}

bool single(const Units& units) {
  return units.kind == Units::Kind::neuron || units.kind == Units::Kind::element;
}

/// Candidates of every target, C times as many as a rule takes, fed with the gradient of each batch.
struct Held {
  const Rule* rule;
  Index times;
  std::vector<peft::Candidates> of;
  std::vector<Tensor> sums;
};

std::vector<Held> hold(const std::vector<NamedParameter>& targets) {
  std::vector<Held> all;
  for (const Rule& rule : kRules) {
    for (const Index times : {1, 2, 4, 8, 16, 32}) {
      if (!single(rule.units)) continue;
      all.push_back({&rule, times, {}, std::vector<Tensor>(targets.size())});
      Units many = rule.units;
      many.times = times;
      all.back().of.assign(targets.size(), peft::Candidates(many));
    }
  }
  return all;
}

void print_squares(const Held& held, const std::vector<Tensor>& whole, long batches) {
  double errors = 0, estimated = 0, right = 0;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    const double estimate = held.of[i].squares(held.sums[i], whole[i].shape()), exact = squares(whole[i]);
    errors += (estimate / exact - 1) * (estimate / exact - 1);
    estimated += estimate;
    right += exact;
  }
  std::printf("squares\t%s\t%ld\t%ld\t%.4f\t%.4f\n", held.rule->name, static_cast<long>(held.times), batches,
              std::sqrt(errors / static_cast<double>(whole.size())), estimated / right - 1);
}

void look(training::Run& run, const training::TrainConfig& options) {
  const std::vector<NamedParameter> targets = peft::find_targets(run.loaded.model, {});
  const training::ScoringData data{.images = run.images,
                                   .preprocessing = run.loaded.preprocessing,
                                   .batch_size = options.batch_size,
                                   .seed = static_cast<std::uint64_t>(options.model.seed),
                                   .workers = static_cast<int>(options.workers),
                                   .augmentation = options.augment,
                                   .classes = static_cast<Index>(run.splits.classes.size())};
  const peft::NextLoss next = training::scoring_losses(run.loaded.model, *run.method->scoring(), data);
  const auto gradients = [&] {
    std::vector<Tensor> all;
    for (const NamedParameter& p : targets) all.push_back(p.parameter.grad());
    return all;
  };
  std::vector<std::vector<std::vector<Selection>>> chosen;  // [batch][rule]
  std::vector<Tensor> quarter, before(targets.size());
  std::vector<Held> held = hold(targets);
  const auto after = [&](Index, const std::vector<NamedParameter>&) {
    chosen.emplace_back();
    for (const Rule& rule : kRules) chosen.back().push_back(choose(targets, gradients(), rule.units));
    for (std::size_t i = 0; i < targets.size(); ++i) {
      const Tensor sum = targets[i].parameter.grad();
      const Tensor batch = before[i].defined() ? engine::add(sum, engine::scale(before[i], -1)) : sum;
      for (Held& h : held) h.sums[i] = h.of[i].add(h.sums[i], batch.clone());
      before[i] = sum.clone();
    }
    const std::size_t batches = chosen.size();
    for (std::size_t r = 0; batches > 1 && r < std::size(kRules); ++r)
      print("half", kRules[r].name, static_cast<long>(batches), next.batches(),
            compare(chosen[batches / 2 - 1][r], chosen.back()[r], gradients()));
    if (static_cast<Index>(chosen.size()) == engine::div_up<Index>(next.batches(), 4))
      for (const Tensor& g : gradients()) quarter.push_back(g.clone());
    return false;
  };
  peft::accumulate_gradients(run.loaded.model, targets, next, peft::Accumulate::sums, {}, after);
  const std::vector<Tensor> whole = gradients();
  for (const Held& h : held) {
    std::vector<Tensor> sums;
    for (std::size_t i = 0; i < targets.size(); ++i)
      sums.push_back(h.of[i].spread(h.sums[i], whole[i].shape()));
    const auto& exact = chosen.back()[static_cast<std::size_t>(h.rule - kRules)];
    print("candidates", h.rule->name, h.times, next.batches(),
          compare(choose(targets, sums, h.rule->units), exact, whole));
    print_squares(h, whole, next.batches());
  }
  for (std::size_t r = 0; r < std::size(kRules); ++r) {
    const auto& [name, units] = kRules[r];
    const std::vector<Selection>& exact = chosen.back()[r];
    for (std::size_t b = 0; b < chosen.size(); ++b)
      print("batches", name, static_cast<long>(b + 1), static_cast<long>(chosen.size()),
            compare(chosen[b][r], exact, whole));
    if (single(units)) continue;
    for (const Index mixtures : {2, 4, 8, 16, 32, 64}) {
      for (const std::uint64_t seed : {0, 1, 2}) {
        const auto sketched = choose(targets, sketches(targets, whole, units, mixtures, seed), units);
        print("sketch", name, mixtures, static_cast<long>(seed), compare(sketched, exact, whole));
        const auto closer = rescored(targets, quarter, whole, units, mixtures, seed);
        print("closer", name, mixtures, static_cast<long>(seed), compare(closer, exact, whole));
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    cli::TuneOptions options;
    cli::CommandLine line("select", "See the head of bench/selection_cost.cpp.",
                          "bench_selection_cost --model vit_base.safetensors --data flowers");
    training::declare_selection(line.table, options.config);
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (!line.parse(words)) return 0;
    options.check();
    training::Run run = training::open_run(options.config, {"train"}, {.on_note = cli::note});
    look(run, options.config);
  } catch (const std::exception& e) {
    std::cerr << "bench_selection_cost: " << e.what() << '\n';
    return 1;
  }
}
