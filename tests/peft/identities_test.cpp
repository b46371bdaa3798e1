// What must hold for single methods, whatever figures a paper prints.
#include <gtest/gtest.h>

#include <numeric>

#include "peft/account.h"
#include "peft/delta.h"
#include "peft/methods/knapsack.h"
#include "peft/selection/select.h"
#include "tests/engine/io/temporary_folder.h"
#include "tests/peft/small.h"
#include "tests/support/kernel_guards.h"

namespace {

using engine::Index;
using engine::NamedParameter;
using engine::Selection;
using engine::Tensor;
using models::Vit;

/// Takes `steps` steps and calls `look(i)` before each.
template <class F>
void watch(Vit& model, peft::Method& method, int steps, F look) {
  method.prepare(model, small::losses(model, method));
  const auto adam = engine::make_adam(engine::parameters(model), {});
  for (int i = 0; i < steps; ++i) {
    look(i);
    small::step(model, method, *adam, i, 0.01, steps);
  }
}

Tensor value(Vit& model, const std::string& name) {
  for (const NamedParameter& p : engine::parameters(model))
    if (p.name == name) return p.parameter.value();
  throw engine::Error("no " + name);
}

TEST(lisa, keeps_every_bit_of_the_blocks_that_are_not_drawn) {
  Vit model = small::model(small::deep());
  const auto method = small::method("lisa", {{"blocks", "1"}, {"period", "2"}});
  engine::NamedTensors before = small::copy(model);
  std::set<std::string> trained;
  std::set<std::set<std::string>> draws;
  watch(model, *method, 12, [&](int i) {
    if (i % 2 == 1 || i == 0) return;  // at the end of a period, with what trained in it
    std::set<std::string> blocks;
    for (const auto& [name, part] : peft::trained_parts(model)) {
      trained.insert(name);
      if (name.starts_with("blocks.")) blocks.insert(name.substr(0, 8));
    }
    EXPECT_EQ(blocks.size(), 1u);
    draws.insert(blocks);
    const engine::NamedTensors now = small::copy(model);
    for (std::size_t j = 0; j < now.size(); ++j) {
      const bool frozen = !peft::trained_parts(model).contains(now[j].first);
      EXPECT_TRUE(!frozen || support::same_bits(now[j].second, before[j].second))
          << now[j].first << " before step " << i;
    }
    before = now;
  });
  EXPECT_GT(draws.size(), 1u) << "the draws differ";
}

TEST(spiel, keeps_its_count_and_begins_new_elements_at_the_base) {
  Vit model = small::model(small::deep()), base = small::model(small::deep());
  const auto method = small::method("spiel", {{"rate", "0.1"}, {"period", "3"}, {"grow-batches", "2"}});
  peft::PartsByName former;
  int exchanges = 0;
  method->prepare(model, nullptr);
  const auto adam = engine::make_adam(engine::parameters(model), {});
  for (int i = 0; i < 12; ++i) {
    former = peft::trained_parts(model);
    small::begin_step(model, *method, *adam, i, 0.01, 12);
    const peft::PartsByName now = peft::trained_parts(model);
    for (const auto& [name, part] : now) {
      EXPECT_EQ(part.indices().size(), former[name].indices().size()) << name << " at step " << i;
      if (part == former[name]) continue;
      ++exchanges;
      const Tensor w = value(model, name), w0 = value(base, name);
      for (const Index at : part.indices()) {
        if (std::ranges::binary_search(former[name].indices(), at)) continue;
        const auto j = static_cast<std::size_t>(at);
        EXPECT_EQ(w.data<float>()[j], w0.data<float>()[j]) << "a new element of " << name;
      }
      for (const Index at : former[name].indices()) {
        if (std::ranges::binary_search(part.indices(), at)) continue;
        const auto j = static_cast<std::size_t>(at);
        EXPECT_EQ(w.data<float>()[j], w0.data<float>()[j]) << "a dropped element of " << name;
      }
    }
    engine::backward(small::loss(model, i));
    adam->step(0.01);
  }
  EXPECT_GT(exchanges, 13) << "each of the 13 matrices more than once";
}

TEST(lp_ft, trains_the_head_alone_and_then_everything_from_there) {
  Vit model = small::model(small::deep());
  const engine::NamedTensors before = small::copy(model);
  const auto method = small::method("lp-ft", {{"probe", "0.5"}});
  EXPECT_EQ(method->stages(8).size(), 2u);
  EXPECT_EQ(method->stages(8)[0].steps, 4);
  EXPECT_EQ(method->stages(8)[1].lr_factor, 0.1);
  watch(model, *method, 8, [&](int i) {
    if (i > 4) return;
    std::size_t j = 0;
    for (const NamedParameter& p : engine::parameters(model)) {
      const bool same = static_cast<bool>(support::same_bits(p.parameter.value(), before[j++].second));
      EXPECT_TRUE(same || p.name.starts_with("head.")) << p.name << " before step " << i;
    }
  });
  small::expect_only_these_values_moved(model, before, method->moved(model), "after both");
  EXPECT_EQ(peft::account(model).trainable, peft::account(model).total);
}

TEST(lt_sft, takes_its_share_of_all_numbers_and_composes) {
  const engine::TemporaryFolder folder;
  std::vector<peft::PartsByName> moved;
  for (const char* name : {"a", "b"}) {
    Vit model = small::model(small::deep());
    const auto method = small::method("lt-sft", {{"rate", "0.02"}});
    method->prepare(model, nullptr);
    const auto adam = engine::make_adam(engine::parameters(model), {});
    for (int i = 0; i < 4; ++i) {  // two tasks: other batches
      const int which = *name == 'a' ? i : i + 10;
      small::begin_step(model, *method, *adam, i);
      engine::backward(small::loss(model, which));
      adam->step(0.01);
    }
    moved.push_back(method->moved(model));
    const peft::Account account = peft::account(model);
    EXPECT_EQ(account.trainable - account.head, (account.total - account.head) / 50);
    std::erase_if(moved.back(), [](const auto& part) { return part.first.starts_with("head."); });
    engine::write_safetensors(folder / name, peft::delta_of(model, moved.back()));
  }
  // Where the masks do not meet, the order of two deltas makes no difference, and taking one off leaves the
  // other.
  const auto apply = [&](std::initializer_list<const char*> names) {
    Vit model = small::model(small::deep());
    for (const char* name : names) peft::apply_delta(model, engine::Safetensors(folder / name));
    return small::copy(model);
  };
  const engine::NamedTensors ab = apply({"a", "b"}), ba = apply({"b", "a"});
  Index differing = 0, shared = 0;
  for (std::size_t i = 0; i < ab.size(); ++i) {
    const auto x = ab[i].second.data<float>(), y = ba[i].second.data<float>();
    for (std::size_t j = 0; j < x.size(); ++j) differing += x[j] != y[j];
    std::vector<Index> both;
    std::ranges::set_intersection(moved[0][ab[i].first].indices(), moved[1][ab[i].first].indices(),
                                  std::back_inserter(both));
    shared += std::ssize(both);
  }
  EXPECT_LE(differing, shared);
}

TEST(sara, trains_the_weights_below_the_threshold_and_lets_go_of_those_that_grow) {
  Vit model = small::model(small::deep());
  const auto method = small::method("sara", {{"threshold", "0.05"}, {"nuclear", "0"}});
  Index first = 0, second = 0;
  watch(model, *method, 8, [&](int i) {
    Index trained = 0;
    for (const auto& [name, part] : peft::trained_parts(model)) trained += std::ssize(part.indices());
    if (i == 0) {
      for (const auto& [name, part] : peft::trained_parts(model)) {
        for (const Index at : part.indices())
          EXPECT_LT(std::abs(value(model, name).data<float>()[static_cast<std::size_t>(at)]), 0.05f);
      }
    }
    (i < 5 ? first : second) = trained;
  });
  EXPECT_GT(first, 0);
  EXPECT_LT(second, first) << "steps of 0.01 take some beyond 0.05";
  EXPECT_GT(second, 0);
}

TEST(sara, penalty_is_the_same_to_the_last_bit_for_any_thread_count) {
  models::VitConfig config = small::deep();
  config.width = 24, config.hidden = 800, config.depth = 1;  // products over more than one block of depth
  const auto penalty = [&](int threads) {
    const support::UseThreads use(threads);
    Vit model = small::model(config);
    const auto method = small::method(
        "sara", {{"threshold", "10"}, {"nuclear", "1"}, {"targets", "blocks.0.mlp.fc1.weight"}});
    method->prepare(model, {});
    engine::backward(small::loss(model, 0));
    return method->regularize(engine::parameters(model));
  };
  const double one = penalty(1);
  for (const int threads : {2, 3, 7}) EXPECT_EQ(penalty(threads), one) << threads;
}

TEST(random, takes_as_many_as_any_other_and_differs_by_seed) {
  const auto chosen = [](const std::string& name, std::uint64_t seed) {
    Vit model = small::model(small::deep());
    const auto method = peft::make_method(name, {{"unit", "row"}, {"k", "3"}}, seed);
    method->prepare(model, small::losses(model, *method));
    return peft::trained_parts(model);
  };
  const peft::PartsByName one = chosen("random", 1), again = chosen("random", 1), two = chosen("random", 2),
                          large = chosen("magnitude", 1), fisher = chosen("fisher", 1);
  EXPECT_EQ(one, again);
  EXPECT_NE(one, two);
  for (const auto& [name, part] : one) {
    EXPECT_EQ(part.indices().size(), large.at(name).indices().size()) << name;
    EXPECT_EQ(part.indices().size(), fisher.at(name).indices().size()) << name;
  }
}

TEST(smallest, tells_two_magnitudes_apart_that_are_next_to_nothing) {
  Vit model = small::model(small::deep());
  const auto weights = value(model, "blocks.0.attn.qkv.weight").data<float>();  // [36, 12]
  weights[0] = 4, weights[2] = 2e-9f, weights[5] = 1e-9f;
  const auto method = peft::make_method("smallest", {{"unit", "neuron"}, {"k", "1"}});
  method->prepare(model, {});
  EXPECT_EQ(peft::trained_parts(model).at("blocks.0.attn.qkv.weight").indices()[0], 5);
}

TEST(train_bias, trains_a_bias_whole_that_is_a_target) {
  Vit model = small::model(small::deep());
  const auto method = peft::make_method(
      "random", {{"unit", "row"}, {"k", "2"}, {"targets", "blocks.*"}, {"train-bias", "on"}});
  method->prepare(model, {});
  const peft::PartsByName parts = peft::trained_parts(model);
  EXPECT_TRUE(parts.at("blocks.0.attn.qkv.bias").whole());
  EXPECT_EQ(parts.at("blocks.0.attn.qkv.weight").indices().size(), 2u);
}

TEST(spiel, computes_no_gradients_for_an_exchange_behind_the_end) {
  for (const int steps : {2, 3}) {
    Vit model = small::model(small::deep());
    const auto method = small::method("spiel", {{"period", "2"}, {"grow-batches", "1"}});
    method->prepare(model, {});
    const auto adam = engine::make_adam(engine::parameters(model), {});
    int computed = 0;
    for (int i = 0; i < 2; ++i) {
      const auto loss = [&] { return ++computed, small::loss(model, i); };
      method->begin_step(model, {i, steps, 2, 0.01, loss, *adam});
    }
    EXPECT_EQ(computed, steps - 2) << "the exchange is in step 2";
  }
}

TEST(fisher, of_single_batches_differs_from_the_squared_sum) {
  Vit model = small::model(small::deep());
  const auto method = peft::make_method("fisher", {{"unit", "element"}, {"rate", "0.1"}});
  EXPECT_THROW(method->keep_gradients(), engine::Error) << "there are squares alone";
  method->prepare(model, small::losses(model, *method));
  // By hand: the gradient of each batch alone, squared, then added.
  Vit plain = small::model(small::deep());
  for (const peft::Choice& choice : method->choices()) {
    Tensor sum;
    for (int batch = 0; batch < 3; ++batch) {
      for (const NamedParameter& p : engine::parameters(plain))
        p.parameter.train(p.name == choice.parameter ? Selection::all() : Selection::none());
      engine::backward(small::loss(plain, batch));
      for (const NamedParameter& p : engine::parameters(plain)) {
        if (p.name != choice.parameter) continue;
        const Tensor g = p.parameter.grad();
        const Tensor square = engine::multiply(g, g);
        sum = sum.defined() ? engine::add(sum, square) : square;
      }
    }
    EXPECT_EQ(choice.selection, peft::top_elements(sum, std::ssize(choice.selection.indices())));
    const Tensor chosen = choice.selection.gather(sum);
    for (std::size_t i = 0; i < choice.scores.size(); ++i) {
      const double square = static_cast<double>(choice.scores[i]) * static_cast<double>(choice.scores[i]);
      EXPECT_NEAR(square, chosen.data<float>()[i], 1e-6 * chosen.data<float>()[i]) << choice.parameter;
    }
  }
}

/// The cost of training these items, as choose_within() counts it, and their value.
std::pair<double, double> cost_and_value(const std::vector<peft::Item>& items, unsigned mask) {
  double cost = 0, value = 0;
  bool below = false;  // an item before this one trains, so the gradient passes through
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (mask >> i & 1) cost += items[i].own, value += items[i].value;
    if (below) cost += items[i].pass;
    below = below || (mask >> i & 1);
  }
  return {cost, value};
}

TEST(knapsack, finds_what_trying_every_set_finds_and_keeps_the_budget) {
  engine::Random random(3, engine::Random::Use::test);
  for (int trial = 0; trial < 40; ++trial) {
    std::vector<peft::Item> items;
    double all = 0;
    for (int i = 0; i < 11; ++i) {
      items.push_back({random.uniform(-1, 3), static_cast<double>(1 + random.below(20)),
                       static_cast<double>(random.below(20))});
      all += items.back().own + items.back().pass;
    }
    const double budget = 200;  // whole costs are whole steps of 2000
    double best = 0;
    for (unsigned mask = 0; mask < 1u << items.size(); ++mask) {
      const auto [cost, value] = cost_and_value(items, mask);
      if (cost <= budget) best = std::max(best, value);
    }
    const std::vector<bool> chosen = peft::choose_within(items, budget);
    unsigned mask = 0;
    for (std::size_t i = 0; i < chosen.size(); ++i) mask |= static_cast<unsigned>(chosen[i]) << i;
    const auto [cost, value] = cost_and_value(items, mask);
    EXPECT_LE(cost, budget) << "trial " << trial;
    EXPECT_NEAR(value, best, 1e-12) << "trial " << trial;
    EXPECT_GT(all, 0);
  }
  EXPECT_EQ(peft::choose_within({{1, 5, 5}}, 4), std::vector<bool>{false});
  EXPECT_EQ(peft::choose_within({}, 1), std::vector<bool>{});
}

TEST(top_overall, takes_the_largest_of_all_tensors_and_the_first_of_equals) {
  const std::vector<Tensor> tensors{Tensor::of<float>({2, 2}, {1, -9, 3, 3}),
                                    Tensor::of<float>({3}, {3, 0, -4})};
  using Places = std::vector<std::vector<Index>>;
  EXPECT_EQ(peft::top_overall(tensors, 2), (Places{{1}, {2}}));
  EXPECT_EQ(peft::top_overall(tensors, 4), (Places{{1, 2, 3}, {2}}));
  EXPECT_EQ(peft::top_overall(tensors, 0), (Places{{}, {}}));
  EXPECT_EQ(peft::top_overall(tensors, 99), (Places{{0, 1, 2, 3}, {0, 1, 2}}));
}

TEST(sam, divides_by_the_curvature_that_hutchinson_estimates) {
  // With the power 0 the Hessian makes no difference; with 1 it does, the same way every time.
  const auto chosen = [](const char* probes, const char* power) {
    Vit model = small::model(small::deep());
    const auto method =
        peft::make_method("sam", {{"rate", "0.1"}, {"probes", probes}, {"hessian-power", power}}, 7);
    const engine::NamedTensors before = small::copy(model);
    method->prepare(model, small::losses(model, *method));
    EXPECT_TRUE(small::same_bits(engine::state(model), before)) << "the probes are taken back";
    return peft::trained_parts(model);
  };
  EXPECT_EQ(chosen("4", "0"), chosen("0", "1"));
  EXPECT_EQ(chosen("4", "1"), chosen("4", "1"));
  EXPECT_NE(chosen("4", "1"), chosen("0", "1"));
}

}  // namespace
