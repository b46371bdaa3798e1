#include "peft/selection/sketch.h"

#include <gtest/gtest.h>

#include <cmath>

#include "peft/selection/score.h"
#include "peft/selection/select.h"
#include "peft/target.h"
#include "tests/peft/small.h"

namespace {

using engine::Index;
using engine::NamedParameter;
using engine::Parameter;
using engine::Selection;
using engine::Tensor;
using models::Vit;
using peft::Units;

constexpr Units kRows{.kind = Units::Kind::row, .k = 2}, kColumns{.kind = Units::Kind::column, .k = 2},
    kShorter{.kind = Units::Kind::shorter, .k = 2};

/// The squared length of row 0 (or column 0) of a sketch.
double estimate(const NamedParameter& target, const Tensor& gradient, const Units& units, Index r,
                std::uint64_t seed) {
  const Tensor sketch = peft::sketch_of(target, units, r, seed).of(gradient);
  const bool row = units.kind == Units::Kind::row;
  return peft::squares_of((row ? Selection::rows({0}) : Selection::columns({0})).gather(sketch));
}

/// Over many seeds the estimate has the mean and the variance that peft/sketch.h states.
TEST(Sketch, estimates_squared_lengths_without_bias_and_within_the_stated_variance) {
  const Tensor gradient = support::random_tensor({40, 30}, 5);
  const NamedParameter target{"weight", Parameter(gradient)};
  constexpr int kSeeds = 4000;
  for (const Units& units : {kRows, kColumns}) {
    const Tensor unit =
        (units.kind == Units::Kind::row ? Selection::rows({0}) : Selection::columns({0})).gather(gradient);
    const auto g = unit.data<float>();
    double squares = 0, fourths = 0;
    for (const float x : g) squares += std::pow(x, 2), fourths += std::pow(x, 4);
    for (const Index r : {1, 4, 8, 16}) {
      double apart = fourths;  // values of a group never meet, nor a value itself
      for (std::size_t i = 0; i < g.size(); ++i)
        for (std::size_t j = 0; j < g.size(); ++j)
          if (i != j && i / static_cast<std::size_t>(r) == j / static_cast<std::size_t>(r))
            apart += std::pow(g[i] * g[j], 2);
      double mean = 0, second = 0;
      for (int seed = 0; seed < kSeeds; ++seed) {
        const double e = estimate(target, gradient, units, r, static_cast<std::uint64_t>(seed));
        mean += e / kSeeds;
        second += e * e / kSeeds;
      }
      const double variance = second - mean * mean,
                   stated = 2 * (squares * squares - apart) / static_cast<double>(r);
      EXPECT_NEAR(mean, squares, 4 * std::sqrt(stated / kSeeds)) << r;
      EXPECT_NEAR(variance, stated, 0.2 * stated) << r;
      EXPECT_LE(variance, 1.2 * 2 * (squares * squares - fourths) / static_cast<double>(r));
    }
  }
}

/// Mixed batch by batch on the way, a sketch is that of the whole gradient, in every matrix.
TEST(Sketch, of_the_sum_over_batches_is_the_sum_of_the_sketches) {
  for (const small::Sizes& sizes : small::all_sizes()) {
    for (const Units& units : {kRows, kColumns, kShorter}) {
      Vit whole = small::model(sizes.config), sketched = small::model(sizes.config);
      const std::vector<NamedParameter> a = peft::find_targets(whole, {}),
                                        b = peft::find_targets(sketched, {});
      std::vector<engine::GradientForm> forms;
      for (const NamedParameter& p : b) forms.push_back(peft::sketch_of(p, units, 3, 7));
      const auto losses = [](Vit& model) {
        return [&model, i = 0]() mutable -> Tensor { return i == 3 ? Tensor() : small::loss(model, i++); };
      };
      peft::accumulate_gradients(whole, a, losses(whole));
      peft::accumulate_gradients(sketched, b, losses(sketched), peft::Accumulate::sums, forms);
      for (std::size_t i = 0; i < a.size(); ++i) {
        EXPECT_LT(b[i].parameter.grad().numel(), a[i].parameter.grad().numel()) << b[i].name;
        EXPECT_TRUE(support::near(b[i].parameter.grad(), forms[i].of(a[i].parameter.grad()), 1e-4))
            << b[i].name << " of " << sizes.name;
      }
    }
  }
}

TEST(Sketch, as_large_as_what_it_mixes_is_the_whole_gradient) {
  const NamedParameter target{"weight", Parameter(Tensor::zeros({40, 30}))};
  EXPECT_TRUE(peft::sketch_of(target, kRows, 30, 0).follows_selection());
  EXPECT_EQ(peft::sketch_of(target, kRows, 29, 0).kind_name(), "row sketch");
  EXPECT_TRUE(peft::sketch_of(target, kColumns, 40, 0).follows_selection());
  EXPECT_EQ(peft::sketch_of(target, kColumns, 39, 0).kind_name(), "column sketch");
  Vit exact = small::model(small::deep()), sketched = small::model(small::deep());
  const auto a = small::method("grft"), b = small::method("grft", {{"score-sketch", "48"}});
  a->prepare(exact, small::losses(exact, *a));
  b->prepare(sketched, small::losses(sketched, *b));
  for (std::size_t i = 0; i < a->choices().size(); ++i) {
    EXPECT_EQ(a->choices()[i].selection, b->choices()[i].selection);
    EXPECT_EQ(a->choices()[i].scores, b->choices()[i].scores);
  }
}

/// By finalists: from the second of four batches on, the top ones of the sketch are accumulated exactly.
TEST(Sketch, lets_the_candidates_own_gradients_decide) {
  const auto config = small::deep();
  const auto losses_of = [](Vit& model, int from, int to) {
    return peft::NextLoss(
        [&model, from, to]() mutable -> Tensor { return from == to ? Tensor() : small::loss(model, from++); },
        {}, to - from);
  };
  Vit chosen = small::model(config), sketched = small::model(config), later = small::model(config);
  const auto method = small::method("grft", {{"score-sketch", "3"}, {"axis", "row"}});
  method->prepare(chosen, losses_of(chosen, 0, 4));
  const std::vector<NamedParameter> a = peft::find_targets(sketched, {}), b = peft::find_targets(later, {});
  std::vector<engine::GradientForm> forms;
  for (const NamedParameter& p : a) forms.push_back(peft::sketch_of(p, kRows, 3, 0));
  peft::accumulate_gradients(sketched, a, losses_of(sketched, 0, 1), peft::Accumulate::sums, forms);
  peft::accumulate_gradients(later, b, losses_of(later, 1, 4));
  for (std::size_t i = 0; i < a.size(); ++i) {
    const Tensor sketch = a[i].parameter.grad(), exact = b[i].parameter.grad();
    const Selection candidates = peft::top_rows(sketch, 3);
    const Selection expected = candidates.part_of(peft::top_rows(candidates.gather(exact), 2));
    EXPECT_EQ(method->choices()[i].selection, expected) << a[i].name;
    EXPECT_GT(method->choices()[i].captured, 0);
    EXPECT_LT(method->choices()[i].captured, 1);
  }
}

TEST(Sketch, is_refused_for_elements_and_where_whole_gradients_are_to_be_kept) {
  const NamedParameter target{"weight", Parameter(Tensor::zeros({4, 3}))};
  EXPECT_EQ(support::error_of([&] { peft::sketch_of(target, {.kind = Units::Kind::neuron}, 2, 0); }),
            "--score-sketch stands for rows and columns; single elements have no sketch");
  EXPECT_EQ(support::error_of([] {
              small::method("grft", {{"score-sketch", "2"}})->keep_gradients();
            }),
            "--score-sketch accumulates no whole gradient, so there is no whole gradient to keep");
}

/// Losses whose gradient is `size[i]` in row `row[i]` of every target, drawn until there are none.
struct Rows {
  std::vector<Index> row;
  std::vector<double> size;
  int drawn = 0;

  peft::NextLoss losses(const std::vector<NamedParameter>& targets) {
    return [this, &targets]() -> Tensor {
      const std::size_t i = static_cast<std::size_t>(drawn);
      if (i == row.size()) return {};
      ++drawn;
      Tensor loss;
      for (const NamedParameter& p : targets) {
        Tensor direction = Tensor::zeros(p.parameter.value().shape());
        const Selection at = Selection::rows({row[i]});
        at.scatter(Tensor::full(at.packed(direction.shape()), size[i]), direction);
        const Tensor one = engine::sum(engine::multiply(p.parameter, direction));
        loss = loss.defined() ? engine::add(loss, one) : one;
      }
      return loss;
    };
  }
};

struct Scored {
  int batches;
  std::vector<peft::Snapshot> snapshots;
};
Scored score(const std::string& batches, Rows rows) {
  Vit model = small::model(small::deep());
  const std::vector<NamedParameter> targets = peft::find_targets(model, {});
  const auto method = small::method("grft", {{"axis", "row"}, {"k", "1"}, {"score-batches", batches}});
  method->prepare(model, rows.losses(targets));
  return {rows.drawn, method->snapshots()};
}
int batches_drawn(const std::string& batches, const Rows& rows) {
  return score(batches, rows).batches;
}

TEST(Settling, takes_no_more_batches_than_the_choice_needs) {
  constexpr int kBatches = 24;
  const std::vector<double> equal(kBatches, 1);
  std::vector<double> growing;
  std::vector<Index> changing, two(kBatches, 1);
  for (int i = 0; i < kBatches; ++i) growing.push_back(std::pow(4, i)), changing.push_back(i % 11);
  std::fill_n(two.begin(), 5, Index{0});
  EXPECT_EQ(batches_drawn("auto", {std::vector<Index>(kBatches, 3), equal}), 9);
  EXPECT_EQ(batches_drawn("all", {std::vector<Index>(kBatches, 3), equal}), kBatches);
  EXPECT_EQ(batches_drawn("auto", {changing, growing}), kBatches);  // another row is the best at every look
  EXPECT_EQ(batches_drawn("auto", {two, growing}), 18);             // row 1 is the best after 9 and after 18
}

TEST(Settling, ends_when_it_is_taken_to_miss_a_twentieth_of_the_squares) {
  std::vector<Index> rows(24, 1);
  std::fill_n(rows.begin(), 4, Index{0});
  // After nine batches row 0 holds `held` of row 1's square, and the choice of row 1 is taken to miss 4/5 of
  // the rest.
  for (const auto& [held, batches] : {std::pair{0.938, 9}, std::pair{0.937, 18}}) {
    std::vector<double> sizes(24, 4 / (5 * std::sqrt(held)));
    std::fill_n(sizes.begin(), 4, 1.0);
    EXPECT_EQ(batches_drawn("auto", {rows, sizes}), batches) << held;
  }
}

TEST(Settling, does_not_end_before_there_are_nine_batches) {
  EXPECT_EQ(batches_drawn("auto", {std::vector<Index>(8, 3), std::vector<double>(8, 1)}), 8);
}

TEST(Settling, tells_how_the_choice_came_about) {
  std::vector<Index> rows(24, 1);
  std::fill_n(rows.begin(), 3, Index{0});
  const std::vector<double> equal(24, 1);
  const Scored scored = score("auto", {rows, equal});  // row 1 is the best from batch 7 on
  EXPECT_EQ(scored.batches, 18);
  std::vector<Index> batches;
  for (const peft::Snapshot& s : scored.snapshots) {
    batches.push_back(s.batches);
    EXPECT_NEAR(s.overlap, s.batches <= 6 ? 0 : 1, 1e-9) << s.batches;
    EXPECT_NEAR(s.captured, s.batches <= 6 ? 9.0 / 225 : 1, 1e-6) << s.batches;
  }
  EXPECT_EQ(batches, (std::vector<Index>{1, 2, 3, 4, 6, 9, 13, 18}));
  EXPECT_TRUE(score("all", {rows, equal}).snapshots.empty());
}

}  // namespace
