#include "peft/selection/select.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "engine/autograd/backward.h"
#include "engine/autograd/parameter.h"
#include "engine/ops/linear.h"
#include "engine/ops/loss.h"
#include "peft/selection/largest.h"
#include "tests/support/compare.h"
#include "tests/support/gradcheck.h"

namespace {

using engine::Dtype;
using engine::Index;
using engine::Random;
using engine::Selection;
using engine::Shape;
using engine::Tensor;

/// The plain way: sort all units by (score descending, index ascending), take the first.
std::vector<Index> best(const std::vector<double>& scores, Index count) {
  std::vector<std::pair<double, Index>> order;
  for (std::size_t i = 0; i < scores.size(); ++i) order.emplace_back(-scores[i], static_cast<Index>(i));
  std::ranges::sort(order);
  std::vector<Index> taken;
  for (std::size_t i = 0; i < order.size() && static_cast<Index>(i) < count; ++i)
    taken.push_back(order[i].second);
  std::ranges::sort(taken);
  return taken;
}

struct Matrix {
  Index rows, columns;
  std::vector<double> values;
  double at(Index i, Index j) const { return values[static_cast<std::size_t>(i * columns + j)]; }
};

std::vector<double> row_energies(const Matrix& m) {
  std::vector<double> energies(static_cast<std::size_t>(m.rows));
  for (Index i = 0; i < m.rows; ++i)
    for (Index j = 0; j < m.columns; ++j) energies[static_cast<std::size_t>(i)] += m.at(i, j) * m.at(i, j);
  return energies;
}

std::vector<double> column_energies(const Matrix& m) {
  std::vector<double> energies(static_cast<std::size_t>(m.columns));
  for (Index j = 0; j < m.columns; ++j)
    for (Index i = 0; i < m.rows; ++i) energies[static_cast<std::size_t>(j)] += m.at(i, j) * m.at(i, j);
  return energies;
}

std::vector<double> sizes(const Matrix& m) {
  std::vector<double> sizes;
  for (double x : m.values) sizes.push_back(std::abs(x));
  return sizes;
}

/// Every way to choose `count` of `total` units.
std::vector<std::vector<Index>> subsets(Index total, Index count) {
  std::vector<std::vector<Index>> all;
  for (unsigned bits = 0; bits < 1u << total; ++bits) {
    std::vector<Index> at;
    for (Index i = 0; i < total; ++i) {
      if (bits >> i & 1) at.push_back(i);
    }
    if (static_cast<Index>(at.size()) == count) all.push_back(at);
  }
  return all;
}

/// Small integers, so that ties are many and squares exact; every third matrix has wide values instead.
struct Draw {
  Matrix matrix;
  Tensor gradient;
  Index count;
};

Draw draw(std::uint64_t number) {
  Random random(7, Random::Use::test, number);
  Draw d;
  Matrix& m = d.matrix;
  m.rows = number % 5 == 0 ? 1 : 1 + random.below(8);
  m.columns = number % 5 == 1 ? 1 : 1 + random.below(8);
  std::vector<float> values;
  for (Index i = 0; i < m.rows * m.columns; ++i) {
    values.push_back(number % 3 == 2 ? static_cast<float>(random.normal())
                                     : static_cast<float>(random.below(4)) - 2);
    m.values.push_back(static_cast<double>(values.back()));
  }
  // As a convolution's kernel now and then: it counts as [first axis, all others].
  d.gradient =
      Tensor::of<float>(number % 2 ? Shape{m.rows, m.columns} : Shape{m.rows, m.columns, 1, 1}, values);
  d.count = random.below(m.rows * m.columns + 3);
  return d;
}

constexpr std::uint64_t kDraws = 3000;

TEST(selectors, agree_with_sorting_everything) {
  for (std::uint64_t number = 0; number < kDraws; ++number) {
    const auto [m, gradient, count] = draw(number);
    SCOPED_TRACE(engine::say("draw", number, "shape", gradient.shape(), "count", count));
    ASSERT_EQ(peft::top_rows(gradient, count), Selection::rows(best(row_energies(m), count)));
    ASSERT_EQ(peft::top_columns(gradient, count), Selection::columns(best(column_energies(m), count)));
    ASSERT_EQ(peft::top_elements(gradient, count), Selection::elements(best(sizes(m), count)));

    std::vector<Index> per_row;
    const std::vector<double> all = sizes(m);
    for (Index i = 0; i < m.rows; ++i) {
      const std::vector<double> row(all.begin() + i * m.columns, all.begin() + (i + 1) * m.columns);
      for (Index j : best(row, count)) per_row.push_back(i * m.columns + j);
    }
    ASSERT_EQ(peft::top_per_row(gradient, count), Selection::elements(per_row));
  }
}

TEST(selectors, take_few_or_many_of_a_row_alike) {
  constexpr Index kColumns = 200;
  engine::Random random(5, engine::Random::Use::test);
  std::vector<float> values;
  for (Index i = 0; i < 3 * kColumns; ++i) values.push_back(static_cast<float>(random.below(60)) - 30);
  for (const Index count : {63, 64, 65, 100, 199, 200, 300}) {
    std::vector<Index> expected;
    for (Index i = 0; i < 3; ++i) {
      const std::vector<double> row(values.begin() + i * kColumns, values.begin() + (i + 1) * kColumns);
      std::vector<double> magnitudes;
      for (const double x : row) magnitudes.push_back(std::abs(x));
      for (const Index j : best(magnitudes, count)) expected.push_back(i * kColumns + j);
    }
    EXPECT_EQ(peft::top_per_row(Tensor::of<float>({3, kColumns}, values), count),
              Selection::elements(expected))
        << count;
  }
  values[7] = std::nanf("");
  EXPECT_EQ(support::error_of([&] {
              peft::top_per_row(Tensor::of<float>({3, kColumns}, values), 100);
            }),
            "select: the score of unit 7 is not a number");
}

TEST(selectors, take_nothing_for_a_count_of_0_and_everything_for_a_large_one) {
  const Tensor gradient = support::random_tensor({3, 4}, 1);
  for (const auto select : {peft::top_rows, peft::top_columns, peft::top_per_row, peft::top_elements}) {
    EXPECT_EQ(select(gradient, 0).indices().size(), 0u);
    EXPECT_EQ(select(gradient, 1'000'000'000'000).packed({3, 4}).numel(), 12);
  }
}

TEST(selectors, give_ties_to_the_lower_index) {
  const Tensor gradient = Tensor::full({3, 4}, -2);
  EXPECT_EQ(peft::top_rows(gradient, 2), Selection::rows({0, 1}));
  EXPECT_EQ(peft::top_columns(gradient, 3), Selection::columns({0, 1, 2}));
  EXPECT_EQ(peft::top_per_row(gradient, 1), Selection::elements({0, 4, 8}));
  EXPECT_EQ(peft::top_elements(gradient, 5), Selection::elements({0, 1, 2, 3, 4}));
}

/// Work is dealt out by pieces of a matrix, and ties stand in many of them.
TEST(selectors, agree_with_sorting_everything_on_a_matrix_of_many_pieces) {
  Matrix m{70, 9000, {}};
  Random random(5, Random::Use::test);
  for (Index i = 0; i < m.rows * m.columns; ++i)
    m.values.push_back(static_cast<double>(random.below(64)) - 32);
  const Tensor t = Tensor::of<double>({m.rows, m.columns}, m.values).to(Dtype::f32);
  for (const Index count : {1, 20'000, 300'000})
    EXPECT_EQ(peft::top_elements(t, count).indices(), best(sizes(m), count)) << count;
  EXPECT_EQ(peft::top_columns(t, 500).indices(), best(column_energies(m), 500));
  EXPECT_EQ(peft::top_rows(t, 30).indices(), best(row_energies(m), 30));
  std::vector<Index> expected;
  for (Index i = 0; i < m.rows; ++i) {
    const auto row = m.values.begin() + i * m.columns;
    for (const Index j : best(sizes({1, m.columns, {row, row + m.columns}}), 3))
      expected.push_back(i * m.columns + j);
  }
  EXPECT_EQ(peft::top_per_row(t, 3).indices(), expected);
}

TEST(selectors, choose_the_same_from_float_and_double) {
  const Tensor single = support::random_tensor({9, 7}, 3), twice_as_wide = single.to(Dtype::f64);
  for (const auto select : {peft::top_rows, peft::top_columns, peft::top_per_row, peft::top_elements}) {
    EXPECT_EQ(select(single, 2), select(twice_as_wide, 2));
  }
}

TEST(selectors, see_squares_that_do_not_fit_a_float) {
  // 1e30 squared is more than a float holds, and 1e-30 squared less than its smallest.
  EXPECT_EQ(peft::top_rows(Tensor::of<float>({3, 1}, {1e30f, 3e30f, 2e30f}), 2), Selection::rows({1, 2}));
  EXPECT_EQ(peft::top_columns(Tensor::of<float>({1, 3}, {1e-30f, 3e-30f, 2e-30f}), 1),
            Selection::columns({1}));
}

TEST(selectors, refuse_scores_that_are_no_numbers_and_negative_counts) {
  Tensor gradient = support::random_tensor({3, 4}, 1);
  gradient.data<float>()[6] = std::numeric_limits<float>::quiet_NaN();  // row 1, column 2
  const auto error = [&](auto select) { return support::error_of([&] { select(gradient, 1); }); };
  EXPECT_EQ(error(peft::top_rows), "select: the score of unit 1 is not a number");
  EXPECT_EQ(error(peft::top_columns), "select: the score of unit 2 is not a number");
  EXPECT_EQ(error(peft::top_per_row), "select: the score of unit 2 is not a number");
  EXPECT_EQ(error(peft::top_elements), "select: the score of unit 6 is not a number");
  EXPECT_EQ(support::error_of([] {
              peft::top_rows(Tensor::zeros({2, 2}), -1);
            }),
            "select: a count of 0 or more is needed, not -1");
}

TEST(selectors, let_an_infinite_score_win) {
  Tensor gradient = support::random_tensor({3, 4}, 1, Dtype::f32, 100);
  gradient.data<float>()[6] = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(peft::top_rows(gradient, 1), Selection::rows({1}));
  EXPECT_EQ(peft::top_columns(gradient, 1), Selection::columns({2}));
  EXPECT_EQ(peft::top_elements(gradient, 1), Selection::elements({6}));
  EXPECT_EQ(peft::top_per_row(gradient, 1).indices()[1], 6);
}

TEST(scores_of, gives_the_score_of_every_chosen_unit_in_order) {
  const Tensor gradient = Tensor::of<float>({2, 3}, {1, -2, 3, 0, 4, -5});
  const auto scores = [&](const Selection& selection) { return peft::scores_of(gradient, selection); };
  EXPECT_EQ(scores(Selection::rows({0, 1})), (std::vector<float>{14, 41}));
  EXPECT_EQ(scores(Selection::columns({1, 2})), (std::vector<float>{20, 34}));
  EXPECT_EQ(scores(Selection::elements({1, 3, 5})), (std::vector<float>{2, 0, 5}));
  EXPECT_EQ(scores(Selection::rows({})), std::vector<float>{});
}

TEST(squares_of, is_the_sum_of_all_squares) {
  EXPECT_EQ(peft::squares_of(Tensor::of<float>({2, 3}, {1, -2, 3, 0, 4, -5})), 55);
  EXPECT_EQ(peft::squares_of(Tensor::zeros({2, 3})), 0);
}

TEST(captured_share, is_the_chosen_share_of_all_squares) {
  const Tensor gradient = Tensor::of<float>({2, 3}, {1, -2, 3, 0, 4, -5});
  EXPECT_DOUBLE_EQ(peft::captured_share(gradient, Selection::rows({1})), 41. / 55);
  EXPECT_DOUBLE_EQ(peft::captured_share(gradient, Selection::columns({0, 2})), 35. / 55);
  EXPECT_DOUBLE_EQ(peft::captured_share(gradient, Selection::elements({5})), 25. / 55);
  EXPECT_EQ(peft::captured_share(gradient, Selection::all()), 1);
  EXPECT_EQ(peft::captured_share(gradient, Selection::none()), 0);
  EXPECT_EQ(peft::captured_share(Tensor::zeros({2, 3}), Selection::rows({0})), 0);
}

TEST(captured_share, is_never_beaten_by_another_choice_of_as_many_units) {
  for (std::uint64_t number = 0; number < 300; ++number) {
    const auto [m, gradient, count] = draw(number);
    const Index rows = std::min(count, m.rows), columns = std::min(count, m.columns);
    const double by_rows = peft::captured_share(gradient, peft::top_rows(gradient, rows));
    for (const std::vector<Index>& at : subsets(m.rows, rows))
      ASSERT_LE(peft::captured_share(gradient, Selection::rows(at)), by_rows + 1e-12) << number;
    const double by_columns = peft::captured_share(gradient, peft::top_columns(gradient, columns));
    for (const std::vector<Index>& at : subsets(m.columns, columns))
      ASSERT_LE(peft::captured_share(gradient, Selection::columns(at)), by_columns + 1e-12) << number;
  }
}

/// A linear classifier in f64, small enough to try every choice of rows.
struct Classifier {
  Tensor x = support::random_tensor({8, 5}, 11, Dtype::f64);
  Tensor targets = engine::one_hot(std::vector<Index>{0, 1, 2, 3, 4, 5, 0, 0}, 6, 0, Dtype::f64);
  engine::Parameter w{support::random_tensor({6, 5}, 12, Dtype::f64)};

  Tensor loss() const { return engine::cross_entropy(engine::linear(x, w), targets); }
  /// How much the loss falls when a gradient step moves `part` alone.
  double fall(const Tensor& gradient, const Selection& part) {
    constexpr double kRate = 1e-5;  // so short that the second order does not count
    const Tensor before = w.value().clone();
    const double start = loss().item();
    Tensor moved = part.gather(before);
    const std::vector<double> g = support::doubles(part.gather(gradient));
    for (std::size_t i = 0; i < g.size(); ++i) moved.data<double>()[i] -= kRate * g[i];
    part.scatter(moved, w.value());
    const double end = loss().item();
    w.value() = before;
    return start - end;
  }
};

TEST(top_rows, lower_the_loss_most_of_all_choices_of_as_many_rows) {
  Classifier c;
  engine::backward(c.loss());
  const Tensor gradient = c.w.grad();
  for (Index count = 1; count < 6; ++count) {
    const double chosen = c.fall(gradient, peft::top_rows(gradient, count));
    EXPECT_GT(chosen, 0);
    for (const std::vector<Index>& at : subsets(6, count))
      EXPECT_LE(c.fall(gradient, Selection::rows(at)), chosen) << count;
  }
}

TEST(top_columns, lower_the_loss_most_of_all_choices_of_as_many_columns) {
  Classifier c;
  engine::backward(c.loss());
  const Tensor gradient = c.w.grad();
  for (Index count = 1; count < 5; ++count) {
    const double chosen = c.fall(gradient, peft::top_columns(gradient, count));
    EXPECT_GT(chosen, 0);
    for (const std::vector<Index>& at : subsets(5, count))
      EXPECT_LE(c.fall(gradient, Selection::columns(at)), chosen) << count;
  }
}

TEST(LargestMagnitudes, refuse_what_is_no_number_wherever_it_stands) {
  for (const std::size_t place : {0, 1, 2}) {
    std::vector<float> values{1, 2, 3};
    values[place] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_THROW(peft::largest_magnitudes(values, 1), engine::Error) << place;
  }
}

}  // namespace
