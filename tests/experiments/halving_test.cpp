#include "tools/experiments/halving.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace experiments {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Step = std::pair<std::size_t, Index>;

/// A search that is played: what val gives each contender at each rung, and at which epoch it diverges.
struct Play {
  std::vector<Index> rungs;
  std::vector<Contender> contenders;
  std::vector<std::map<Index, ValResult>> results;
  std::map<std::size_t, Index> diverges = {}, fails = {};  ///< on the way to this epoch
  Index epochs = 8;

  /// All steps to the end.
  std::vector<Step> steps() {
    std::vector<Step> all;
    while (const auto next = halve(contenders, rungs).next) {
      all.emplace_back(next->contender, next->pause_after);
      Contender& c = contenders[next->contender];
      const Index to = next->pause_after > 0 ? next->pause_after : epochs;
      const auto ends = [&](const auto& when) {
        return when.contains(next->contender) && when.at(next->contender) <= to;
      };
      if (ends(diverges)) {
        c.diverged = true;
      } else if (ends(fails)) {
        c.failed = true;
      } else if (to == epochs) {
        c.finished = true;
      } else {
        c.paused_after = to;
        c.after[to] = results[next->contender].at(to);
      }
      if (all.size() > 100) break;
    }
    return all;
  }
  std::vector<Index> stopped() const { return halve(contenders, rungs).stopped_after; }
};

/// Four rates of which the third leads at epoch 2 and the second at epoch 4.
Play four() {
  return {.rungs = {2, 4},
          .contenders = {{.lr = 0.1}, {.lr = 0.2}, {.lr = 0.3}, {.lr = 0.4}},
          .results = {{{2, {40, 1}}, {4, {50, 1}}},
                      {{2, {60, 1}}, {4, {80, 1}}},
                      {{2, {70, 1}}, {4, {75, 1}}},
                      {{2, {50, 1}}, {4, {90, 1}}}}};
}

TEST(Rungs, are_a_quarter_and_half_of_the_epochs_and_never_their_end) {
  EXPECT_THAT(rungs_of(1), IsEmpty());
  EXPECT_THAT(rungs_of(2), ElementsAre(1));
  EXPECT_THAT(rungs_of(3), ElementsAre(1, 2));
  EXPECT_THAT(rungs_of(4), ElementsAre(1, 2));
  EXPECT_THAT(rungs_of(8), ElementsAre(2, 4));
  EXPECT_THAT(rungs_of(10), ElementsAre(3, 5));
}

TEST(Halving, stops_the_worse_half_at_every_rung_and_takes_the_best_to_its_end) {
  Play play = four();
  EXPECT_THAT(play.steps(), ElementsAre(Step{0, 2}, Step{1, 2}, Step{2, 2}, Step{3, 2}, Step{1, 4},
                                        Step{2, 4}, Step{1, 0}));
  EXPECT_THAT(play.stopped(), ElementsAre(2, 0, 4, 2));
}

TEST(Halving, goes_to_the_end_without_rungs_and_of_an_odd_number_stops_the_smaller_half) {
  Play whole = four();
  whole.rungs = {};
  EXPECT_THAT(whole.steps(), ElementsAre(Step{0, 0}, Step{1, 0}, Step{2, 0}, Step{3, 0}));
  EXPECT_THAT(whole.stopped(), ElementsAre(0, 0, 0, 0));
  Play three = four();
  three.contenders.pop_back();
  three.steps();
  EXPECT_THAT(three.stopped(), ElementsAre(2, 0, 4));
}

TEST(Halving, of_one_or_two_waits_for_no_rung_that_decides_nothing) {
  Play two = four();
  two.contenders.resize(2);
  EXPECT_THAT(two.steps(), ElementsAre(Step{0, 2}, Step{1, 2}, Step{1, 0}));
  Play one = four();
  one.contenders.resize(1);
  EXPECT_THAT(one.steps(), ElementsAre(Step{0, 0}));
}

TEST(Halving, prefers_the_lower_loss_and_then_the_lower_rate) {
  Play play = four();
  for (auto& results : play.results) results[2] = {60, 1};
  play.results[3][2] = {60, 0.5};
  play.steps();
  EXPECT_THAT(play.stopped(), ElementsAre(4, 2, 2, 0));
}

TEST(Halving, takes_those_that_diverge_for_the_worst) {
  Play play = four();
  play.diverges = {{2, 1}};
  play.steps();
  EXPECT_THAT(play.stopped(), ElementsAre(2, 4, 0, 0)) << "two places for the three that are left";
  Play most = four();
  most.diverges = {{0, 1}, {2, 1}, {3, 2}};
  EXPECT_THAT(most.steps(), ElementsAre(Step{0, 2}, Step{1, 2}, Step{2, 2}, Step{3, 2}, Step{1, 0}));
  Play all = four();
  all.diverges = {{0, 1}, {1, 1}, {2, 1}, {3, 2}};
  EXPECT_EQ(all.steps().size(), 4u);
  EXPECT_THAT(all.stopped(), ElementsAre(0, 0, 0, 0));
}

TEST(Halving, leaves_out_a_run_that_fails_where_it_has_no_result_and_changes_no_earlier_decision) {
  Play early = four();
  early.fails = {{2, 1}};
  early.steps();
  EXPECT_THAT(early.stopped(), ElementsAre(2, 4, 0, 0)) << "two places of three";
  Play late = four();
  late.fails = {{1, 3}};
  EXPECT_EQ(late.steps().back(), (Step{2, 0}));
  EXPECT_THAT(late.stopped(), ElementsAre(2, 0, 0, 2));
}

TEST(Halving, has_runs_that_were_made_without_rungs_go_on_beside_the_others) {
  Play play = four();
  play.contenders[0].finished = true;   // of a grid
  play.contenders[3].paused_after = 3;  // behind the first rung
  EXPECT_THAT(play.steps(), ElementsAre(Step{1, 2}, Step{2, 2}, Step{2, 4}, Step{3, 4}, Step{3, 0}));
  EXPECT_THAT(play.stopped(), ElementsAre(0, 2, 4, 0));
}

TEST(Halving, decides_again_as_it_did_when_stopped_runs_have_since_been_finished) {
  Play play = four();
  play.steps();
  for (Contender& c : play.contenders) c.finished = true;
  EXPECT_FALSE(halve(play.contenders, play.rungs).next);
  EXPECT_THAT(play.stopped(), ElementsAre(0, 0, 0, 0));
}

}  // namespace
}  // namespace experiments
