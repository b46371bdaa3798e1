#include "engine/optim/ema.h"

#include <gtest/gtest.h>

#include "tests/support/compare.h"
#include "tests/support/random_tensor.h"

namespace engine {
namespace {

const Selection kPart = Selection::rows({1, 3});

Parameter partly_trained() {
  const Parameter p(support::random_tensor({5, 7}, 1));
  p.train(kPart);
  return p;
}

/// Moves the values that train.
void move(const Parameter& p, std::uint64_t stream) {
  const Shape packed = p.trains().packed(p.value().shape());
  p.trains().scatter(support::random_tensor(packed, stream), p.value());
}

TEST(Ema, averages_only_what_trains) {
  const Parameter p = partly_trained(), frozen(Tensor::zeros({2}));
  frozen.freeze();
  const Ema ema({{"w", p}, {"frozen", frozen}}, 0.9);
  ASSERT_EQ(ema.state().size(), 1u);
  EXPECT_EQ(ema.state()[0].first, "w");
  EXPECT_TRUE(support::same_bits(ema.state()[0].second, kPart.gather(p.value())));
}

TEST(Ema, swap_exchanges_what_trains_and_swap_again_restores_every_bit) {
  const Parameter p = partly_trained();
  const Tensor start = p.value().clone();
  Ema ema({{"w", p}}, 0.9);
  move(p, 2);
  const Tensor moved = p.value().clone();
  ema.swap();
  EXPECT_TRUE(support::same_bits(p.value(), start)) << "no update yet: the average is the start";
  ema.swap();
  EXPECT_TRUE(support::same_bits(p.value(), moved));
}

TEST(Ema, never_touches_a_frozen_number) {
  const Parameter p = partly_trained();
  const Tensor start = p.value().clone();
  Ema ema({{"w", p}}, 0.5);
  for (std::uint64_t step = 2; step < 6; ++step) {
    move(p, step);
    ema.update();
  }
  ema.swap();
  Tensor now = p.value().clone();
  EXPECT_FALSE(support::same_bits(now, start));
  kPart.scatter(kPart.gather(start), now);
  EXPECT_TRUE(support::same_bits(now, start));
}

TEST(Ema, goes_on_from_its_state_with_the_same_bits) {
  const Parameter p = partly_trained();
  Ema straight({{"w", p}}, 0.9), resumed({{"w", p}}, 0.9);
  move(p, 2);
  straight.update();
  NamedTensors saved;
  for (const auto& [name, tensor] : straight.state()) saved.emplace_back(name, tensor.clone());
  resumed.load_state(saved);
  move(p, 3);
  straight.update();
  resumed.update();
  EXPECT_TRUE(support::same_bits(resumed.state()[0].second, straight.state()[0].second));
}

TEST(Ema, starts_afresh_when_the_part_changes) {
  const Parameter p = partly_trained();
  Ema ema({{"w", p}}, 0.9);
  move(p, 2);
  ema.update();
  const Selection fewer = Selection::elements({4});
  p.train(fewer);
  const Tensor before = p.value().clone();
  ema.swap();
  EXPECT_TRUE(support::same_bits(p.value(), before)) << "the average of new values starts there";
  ema.swap();
  EXPECT_TRUE(support::same_bits(p.value(), before));
  p.train(kPart);
  ema.update();
  EXPECT_TRUE(support::near(ema.state()[0].second, kPart.gather(p.value()), 1e-7));
}

TEST(Ema, refuses_a_state_that_does_not_fit) {
  Ema ema({{"w", partly_trained()}}, 0.9);
  const std::string complaint = "ema: the saved state does not fit w [2, 7]";
  EXPECT_EQ(support::error_of([&] { ema.load_state({}); }), complaint);
  EXPECT_EQ(support::error_of([&] { ema.load_state({{"w", Tensor::zeros({7, 2})}}); }), complaint);
  EXPECT_EQ(support::error_of([&] {
              ema.load_state({{"w", Tensor::zeros({2, 7}, Dtype::f16)}});
            }),
            complaint);
}

TEST(Ema, refuses_a_decay_out_of_range) {
  const std::vector<NamedParameter> all = {{"w", partly_trained()}};
  EXPECT_EQ(support::error_of([&] { Ema(all, 1); }), "ema: the decay must be in [0, 1), not 1");
  EXPECT_THROW(Ema(all, -0.1), Error);
}

}  // namespace
}  // namespace engine
