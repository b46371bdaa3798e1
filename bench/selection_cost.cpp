// What selection needs: one pass over the pictures of a task, with the whole gradient, looked at behind every
// batch. Because a sketch of a sum is the sum of the sketches, the one pass tells what every sketch would
// have chosen too.
//   bench_selection_cost (the options of `select`) > lines of tab-separated numbers
// "batches UNITS BATCHES OF OVERLAP ENERGY TOTAL": what is chosen after some batches against what is chosen
// after all; "sketch UNITS R SEED OVERLAP ENERGY TOTAL": what a sketch chooses against what the whole
// gradient chooses. OVERLAP is the share of units in common, ENERGY the squared gradient of one choice over
// that of the other, both in the mean over the matrices; TOTAL is the latter of all matrices together. Behind
// "batches", the overlap of two thirds of the batches with them.

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <map>

#include "engine/ops/ops.h"
#include "peft/sketch.h"
#include "peft/target.h"
#include "tools/args.h"
#include "tools/job.h"
#include "tools/scoring.h"

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
    chosen.push_back(units.of(targets[i].parameter.value().shape()).strongest(gradients[i]));
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
    std::vector<Index> both;
    std::set_intersection(a[i].indices().begin(), a[i].indices().end(), right[i].indices().begin(),
                          right[i].indices().end(), std::back_inserter(both));
    overlap += static_cast<double>(both.size()) / static_cast<double>(right[i].indices().size());
    const double part = squares(a[i].gather(gradients[i])), best = squares(right[i].gather(gradients[i]));
    energy += part / best;
    held += part;
    most += best;
  }
  const double matrices = static_cast<double>(a.size());
  return {overlap / matrices, energy / matrices, held / most};
}

void look(tools::Job& job, const tools::TuneOptions& options) {
  const std::vector<NamedParameter> targets = peft::find_targets(job.loaded.model, {});
  const peft::Scoring scoring = *job.method->scoring();
  const tools::ScoringData data{.pictures = job.pictures,
                                .preprocessing = job.loaded.preprocessing,
                                .batch_size = options.batch_size,
                                .seed = static_cast<std::uint64_t>(options.model.seed),
                                .workers = static_cast<int>(options.workers),
                                .augmentation = options.augment,
                                .classes = static_cast<Index>(job.splits.classes.size())};
  const peft::NextLoss next = tools::scoring_losses(job.loaded.model, scoring, data, {});
  const auto gradients = [&] {
    std::vector<Tensor> all;
    for (const NamedParameter& p : targets) all.push_back(p.parameter.grad());
    return all;
  };
  std::vector<std::vector<std::vector<Selection>>> history;  // [batch][rule]
  std::map<int, std::vector<Tensor>> first;
  const Index batches = job.pictures->size() / options.batch_size;
  peft::accumulate_gradients(job.loaded.model, targets, [&]() -> Tensor {
    Tensor loss = next();
    if (!targets[0].parameter.grad().empty()) {
      history.emplace_back();
      for (int part : {2, 4, 8}) {
        if (static_cast<Index>(history.size()) == std::max<Index>(1, batches / part)) {
          for (const Tensor& g : gradients()) first[part].push_back(g.clone());
        }
      }
      for (const Rule& rule : kRules) history.back().push_back(choose(targets, gradients(), rule.units));
    }
    return loss;
  });
  const std::vector<Tensor> whole = gradients();
  for (std::size_t r = 0; r < std::size(kRules); ++r) {
    for (std::size_t b = 0; b < history.size(); ++b) {
      const auto [overlap, energy, total] = compare(history[b][r], history.back()[r], whole);
      // how far the choice has come since two thirds of the batches
      const std::size_t before = (b + 1) * 2 / 3;
      double settled = 0;
      if (before > 0) settled = compare(history[before - 1][r], history[b][r], whole).overlap;
      std::printf("batches\t%s\t%zu\t%zu\t%.4f\t%.4f\t%.4f\t%.4f\n", kRules[r].name, b + 1, history.size(),
                  overlap, energy, total, settled);
    }
    if (kRules[r].units.kind == Units::Kind::neuron || kRules[r].units.kind == Units::Kind::element) continue;
    for (auto& [part, early] : first) {
      for (const Index mixtures : {4, 8, 16}) {
        for (const std::uint64_t seed : {0, 1, 2}) {
          std::vector<Tensor> sketched, rest;
          for (std::size_t i = 0; i < targets.size(); ++i) {
            sketched.push_back(peft::sketch_of(targets[i], kRules[r].units, mixtures, seed).gather(early[i]));
            rest.push_back(engine::add(whole[i], engine::scale(early[i], -1)));
          }
          Units many = kRules[r].units;
          many.k = mixtures;
          const std::vector<Selection> candidates = choose(targets, sketched, many);
          for (std::size_t i = 0; i < targets.size(); ++i) {
            Tensor only = Tensor::zeros(rest[i].shape());
            candidates[i].scatter(candidates[i].gather(rest[i]), only);
            rest[i] = only;
          }
          const auto [overlap, energy, total] =
              compare(choose(targets, rest, kRules[r].units), history.back()[r], whole);
          std::printf("refined\t%s\t%d\t%ld\t%ld\t%.4f\t%.4f\t%.4f\n", kRules[r].name, part,
                      static_cast<long>(mixtures), static_cast<long>(seed), overlap, energy, total);
        }
      }
    }
    for (const Index mixtures : {1, 2, 4, 8, 16, 32, 64}) {
      for (const std::uint64_t seed : {0, 1, 2}) {
        std::vector<Tensor> sketched;
        for (std::size_t i = 0; i < targets.size(); ++i)
          sketched.push_back(peft::sketch_of(targets[i], kRules[r].units, mixtures, seed).gather(whole[i]));
        const auto [overlap, energy, total] =
            compare(choose(targets, sketched, kRules[r].units), history.back()[r], whole);
        std::printf("sketch\t%s\t%ld\t%ld\t%.4f\t%.4f\t%.4f\n", kRules[r].name, static_cast<long>(mixtures),
                    static_cast<long>(seed), overlap, energy, total);
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    tools::TuneOptions options;
    tools::Args args("bench_selection_cost", "See the head of bench/selection_cost.cpp.");
    options.add_selection(args);
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (!args.parse(words)) return 0;
    options.check();
    tools::Job job = tools::make_job(options, {"train"});
    look(job, options);
  } catch (const std::exception& e) {
    std::cerr << "bench_selection_cost: " << e.what() << '\n';
    return 1;
  }
}
