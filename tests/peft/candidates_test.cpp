#include "peft/selection/candidates.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "peft/selection/score.h"
#include "peft/selection/select.h"
#include "peft/target.h"
#include "tests/peft/small.h"
#include "tests/support/kernel_guards.h"

namespace {

using engine::Index;
using engine::NamedParameter;
using engine::Selection;
using engine::Tensor;
using models::Vit;
using peft::Candidates;
using peft::Units;

constexpr Units kInputs{.kind = Units::Kind::neuron, .k = 3},
    kElements{.kind = Units::Kind::element, .rate = 0.1};
constexpr Index kRows = 8, kColumns = 30;

/// Random gradients of a matrix, all different in size.
std::vector<Tensor> gradients(int count) {
  std::vector<Tensor> all;
  for (int i = 0; i < count; ++i)
    all.push_back(support::random_tensor({kRows, kColumns}, static_cast<std::uint64_t>(40 + i)));
  return all;
}

/// What candidates hold behind these gradients, zeros elsewhere.
Tensor held(const Units& many, const std::vector<Tensor>& all) {
  Candidates candidates(many);
  Tensor sums;
  for (const Tensor& g : all) sums = candidates.add(sums, g.clone());
  EXPECT_EQ(sums.numel(), candidates.size({kRows, kColumns}));
  return candidates.spread(sums, {kRows, kColumns});
}

/// By a plain loop: sums of which all but the largest are lost after every batch, and what each of them
/// may differ from the true sum.
struct Plain {
  std::vector<double> sums, may_miss;
};
Plain plain(const Units& many, const std::vector<Tensor>& all) {
  constexpr std::size_t n = kRows * kColumns;
  const std::size_t unit =
      many.kind == Units::Kind::neuron ? kColumns : n;  // values among which they are chosen
  const std::size_t kept = static_cast<std::size_t>(many.elements({kRows, kColumns})) * unit / n;
  Plain p{std::vector<double>(n), std::vector<double>(n)};
  for (const Tensor& g : all) {
    for (std::size_t i = 0; i < n; ++i) p.sums[i] += g.data<float>()[i];
    for (std::size_t first = 0; first < n; first += unit) {
      std::vector<double> sizes;
      for (std::size_t i = first; i < first + unit; ++i) sizes.push_back(std::abs(p.sums[i]));
      std::ranges::sort(sizes, std::greater());
      const double weakest = sizes[kept - 1];
      for (std::size_t i = first; i < first + unit; ++i)
        if (std::abs(p.sums[i]) < weakest) p.sums[i] = 0, p.may_miss[i] += weakest;
    }
  }
  return p;
}

TEST(Candidates, keep_the_sums_of_the_largest_after_every_batch) {
  for (const Units& many : {kInputs, kElements}) {
    const Tensor sums = held(many, gradients(5));
    const Plain expected = plain(many, gradients(5));
    for (std::size_t i = 0; i < expected.sums.size(); ++i)
      EXPECT_NEAR(sums.data<float>()[i], expected.sums[i], 1e-5) << i;
  }
}

TEST(Candidates, differ_from_the_true_sums_by_no_more_than_is_stated) {
  const std::vector<Tensor> all = gradients(5);
  Tensor whole = Tensor::zeros({kRows, kColumns});
  for (const Tensor& g : all) whole = engine::add(whole, g);
  for (const Units& many : {kInputs, kElements}) {
    const Tensor sums = held(many, all);
    const Plain expected = plain(many, all);
    double most = 0;
    for (std::size_t i = 0; i < expected.sums.size(); ++i) {
      const double missed = std::abs(static_cast<double>(sums.data<float>()[i] - whole.data<float>()[i]));
      EXPECT_LE(missed, expected.may_miss[i] + 1e-5) << i;
      most = std::max(most, missed);
    }
    EXPECT_GT(most, 0.1) << "nothing was lost, so that nothing was tested";
  }
}

/// Of several gradients: what is held, and of the rest every 61st value for all.
TEST(Candidates, estimate_the_squares_of_the_whole_sum) {
  const engine::Shape full({kRows, kColumns});
  Candidates candidates(kInputs), everything(Units{.kind = Units::Kind::neuron, .k = kColumns});
  Tensor sums, all, whole = Tensor::zeros(full);
  for (const Tensor& g : gradients(4)) {
    sums = candidates.add(sums, g.clone());
    all = everything.add(all, g.clone());
    whole = engine::add(whole, g);
  }
  EXPECT_NEAR(everything.squares(all, full), peft::squares_of(whole), 1e-3);
  const Tensor dense = candidates.spread(sums, full);
  double sampled = 0, count = 0;
  for (std::size_t i = 0; i < kRows * kColumns; i += 61)
    if (dense.data<float>()[i] == 0) sampled += std::pow(whole.data<float>()[i], 2), ++count;
  ASSERT_GT(count, 1);
  const double rest = static_cast<double>(full.numel() - sums.numel());
  EXPECT_NEAR(candidates.squares(sums, full), peft::squares_of(dense) + rest / count * sampled, 1e-3);
}

TEST(Candidates, hold_no_finite_number_behind_a_gradient_that_is_not) {
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    Tensor gradient = gradients(1)[0];
    gradient.data<float>()[17] = static_cast<float>(bad);
    Candidates candidates(kInputs);
    Tensor sums = candidates.add({}, gradients(1)[0]);
    for (const Tensor& next : {gradient, gradients(1)[0]}) {
      sums = candidates.add(sums, next.clone());
      EXPECT_EQ(sums.numel(), 3 * kRows);
      EXPECT_TRUE(std::ranges::all_of(sums.data<float>(), [](float x) { return std::isnan(x); }));
    }
  }
}

TEST(Candidates, start_over_where_nothing_is_held) {
  const std::vector<Tensor> all = gradients(3);
  Candidates used(kInputs), fresh(kInputs);
  used.add(used.add({}, all[0].clone()), all[1].clone());
  EXPECT_TRUE(support::same_bits(used.add({}, all[2].clone()), fresh.add({}, all[2].clone())));
  EXPECT_EQ(used.squares(fresh.add({}, all[2].clone()), {kRows, kColumns}), peft::squares_of(all[2]));
}

TEST(Candidates, know_the_squares_of_a_single_gradient) {
  const Tensor only = gradients(1)[0];
  Candidates candidates(kInputs);
  const Tensor sums = candidates.add({}, only.clone());
  EXPECT_EQ(candidates.squares(sums, only.shape()), peft::squares_of(only));
}

/// The choice of `method` by that many batches.
std::vector<peft::Choice> choices(const std::string& method, const std::string& candidates,
                                  const std::string& batches,
                                  models::Recompute recompute = models::Recompute::none) {
  Vit model = small::model(small::deep());
  model.recompute(recompute);
  const auto chosen =
      small::method(method, {{"score-candidates", candidates}, {"score-batches", batches}, {"rate", "0.1"}});
  chosen->prepare(model, small::losses(model, *chosen));
  return chosen->choices();
}

/// As many as there are, or a single batch: nothing is lost, and the choice is the exact one.
TEST(Candidates, choose_exactly_where_nothing_is_lost) {
  for (const char* method : {"gps", "sift"}) {
    for (const auto& [count, batches] : {std::pair{"1000", "3"}, std::pair{"1", "1"}, std::pair{"2", "1"}}) {
      const std::vector<peft::Choice> a = choices(method, "0", batches), b = choices(method, count, batches);
      ASSERT_EQ(a.size(), b.size());
      for (std::size_t i = 0; i < a.size(); ++i) {
        EXPECT_EQ(a[i].selection, b[i].selection) << a[i].parameter;
        EXPECT_EQ(a[i].scores, b[i].scores) << a[i].parameter;
        EXPECT_NEAR(a[i].captured, b[i].captured, 1e-5)
            << a[i].parameter;  // all is held, or all was seen at once
      }
    }
  }
}

/// With few candidates the choice is that of the plain loop over the batches' gradients.
TEST(Candidates, choose_by_the_sums_that_were_kept) {
  Vit model = small::model(small::deep());
  const std::vector<NamedParameter> targets = peft::find_targets(model, {});
  const auto exact = small::method("gps");
  std::vector<std::vector<Tensor>> batches(targets.size());
  for (int batch = 0; batch < 3; ++batch) {
    const auto of_batch = [&, drawn = false]() mutable -> Tensor {
      return std::exchange(drawn, true) ? Tensor()
                                        : small::contrastive_loss(model, small::images(model.config(), batch),
                                                                  small::labels(model.config(), batch),
                                                                  exact->scoring()->temperature);
    };
    peft::accumulate_gradients(model, targets, of_batch);
    for (std::size_t i = 0; i < targets.size(); ++i) batches[i].push_back(targets[i].parameter.grad());
  }
  const std::vector<peft::Choice> chosen = choices("gps", "2", "3");
  int other = 0;
  const std::vector<peft::Choice> right = choices("gps", "0", "3");
  for (std::size_t i = 0; i < targets.size(); ++i) {
    Candidates candidates({.kind = Units::Kind::neuron, .k = 2});
    Tensor sums;
    for (const Tensor& g : batches[i]) sums = candidates.add(sums, g.clone());
    sums = candidates.spread(sums, targets[i].parameter.value().shape());
    EXPECT_EQ(chosen[i].selection, peft::top_per_row(sums, 1)) << targets[i].name;
    if (!(chosen[i].selection == right[i].selection)) ++other;
  }
  EXPECT_GT(other, 0) << "two candidates miss nothing here, so that nothing was tested";
}

TEST(Candidates, are_the_same_for_any_thread_count_and_where_blocks_are_recomputed) {
  const std::vector<peft::Choice> right = choices("gps", "2", "3");
  std::vector<std::vector<peft::Choice>> all{choices("gps", "2", "3", models::Recompute::blocks)};
  for (const int threads : {1, 3}) {
    const support::UseThreads use(threads);
    all.push_back(choices("gps", "2", "3"));
  }
  for (const std::vector<peft::Choice>& other : all) {
    ASSERT_EQ(other.size(), right.size());
    for (std::size_t i = 0; i < right.size(); ++i) {
      EXPECT_EQ(other[i].selection, right[i].selection) << right[i].parameter;
      EXPECT_EQ(other[i].scores, right[i].scores) << right[i].parameter;
      EXPECT_EQ(other[i].captured, right[i].captured) << right[i].parameter;
    }
  }
}

TEST(Candidates, hold_few_numbers_while_scoring) {
  Vit model = small::model(small::deep());
  const auto method = small::method("gps", {{"score-candidates", "4"}});
  for (const NamedParameter& p : peft::find_targets(model, {})) {
    const engine::Shape& full = p.parameter.value().shape();
    EXPECT_EQ(method->scoring()->form_of(p).shape(full), engine::Shape({full.rows() * 4})) << p.name;
  }
}

TEST(Candidates, hold_as_many_times_what_is_chosen_and_no_more_than_there_is) {
  const Units tenfold{.kind = Units::Kind::neuron, .k = 2, .times = 10},
      share{.kind = Units::Kind::element, .rate = 0.01, .times = 4},
      huge{.kind = Units::Kind::element, .rate = 0.5, .times = 1'000'000};
  EXPECT_EQ(tenfold.elements({3, 50}), 60);
  EXPECT_EQ(tenfold.elements({3, 7}), 21);
  EXPECT_EQ(share.elements({10, 15}), 8);  // four times floor(1.5) + 1
  EXPECT_EQ(huge.elements({10, 15}), 150);
  const auto most = small::method("gps", {{"score-candidates", "9000000000000000000"}});
  Vit model = small::model(small::deep());
  for (const NamedParameter& p : peft::find_targets(model, {}))
    EXPECT_EQ(most->scoring()->form_of(p).shape(p.parameter.value().shape()).numel(),
              p.parameter.value().numel());
}

TEST(Candidates, name_the_parameter_whose_gradient_is_not_finite) {
  Vit model = small::model(small::deep());
  const auto method = small::method("gps", {{"score-candidates", "2"}});
  const auto losses = [&, drawn = 0]() mutable -> Tensor {
    return drawn++ == 2 ? Tensor() : engine::scale(small::loss(model, 0), drawn == 1 ? std::nan("") : 1);
  };
  EXPECT_EQ(support::error_of([&] { method->prepare(model, losses); }),
            "scoring: the gradient of patch_embed.proj.weight is not finite at index 0");
}

TEST(Candidates, are_refused_where_whole_gradients_are_needed) {
  EXPECT_EQ(support::error_of([] {
              small::method("gps", {{"score-candidates", "2"}, {"score-batches", "auto"}});
            }),
            "--score-candidates cannot go with --score-batches auto, which looks at whole gradients");
  EXPECT_EQ(support::error_of([] {
              small::method("sift", {{"score-candidates", "2"}})->keep_gradients();
            }),
            "--score-candidates accumulates no whole gradient, so there is no whole gradient to keep");
}

}  // namespace
