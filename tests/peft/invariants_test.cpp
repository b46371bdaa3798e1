// What holds for every method on every model.
#include <gtest/gtest.h>

#include "engine/kernels/parallel.h"
#include "engine/optim/clip.h"
#include "engine/optim/ema.h"
#include "peft/account.h"
#include "peft/delta.h"
#include "tests/engine/io/temporary_folder.h"
#include "tests/peft/small.h"
#include "tests/support/kernel_guards.h"
#include "tests/support/one_thread.h"

namespace {

using engine::Index;
using engine::NamedParameter;
using engine::Selection;
using engine::State;
using engine::Tensor;
using models::Vit;

std::vector<std::string> method_names() {
  std::vector<std::string> names;
  for (const peft::MethodInfo& info : peft::methods()) names.push_back(info.name);
  return names;
}

class EveryMethod : public ::testing::TestWithParam<std::tuple<std::string, small::Sizes>> {
 protected:
  const std::string& name() const { return std::get<0>(GetParam()); }
  Vit base() const { return small::model(std::get<1>(GetParam()).config); }
  std::unique_ptr<peft::Method> method(std::map<std::string, std::string> options = {}) const {
    return small::method(name(), std::move(options));
  }
};

/// One way to train, with everything that could touch a frozen number.
struct Recipe {
  const char* name;
  std::unique_ptr<engine::Optimizer> (*make)(const std::vector<NamedParameter>&);
};

const Recipe kRecipes[] = {
    {"adam with weight decay",
     [](const std::vector<NamedParameter>& all) { return engine::make_adam(all, {.weight_decay = 0.1}); }},
    {"adamw",
     [](const std::vector<NamedParameter>& all) {
       return engine::make_adam(all, {.weight_decay = 0.1, .decoupled = true});
     }},
    {"sgd with momentum and weight decay",
     [](const std::vector<NamedParameter>& all) {
       return engine::make_sgd(all, {.momentum = 0.9, .weight_decay = 0.1});
     }},
};

TEST_P(EveryMethod, moves_what_it_trains_and_keeps_every_other_bit) {
  for (const Recipe& recipe : kRecipes) {
    SCOPED_TRACE(recipe.name);
    Vit model = base();
    const State before = small::copy(model);
    const auto tuning = method();
    tuning->prepare(model, small::losses(model, *tuning));
    EXPECT_TRUE(small::same_bits(engine::state(model), before)) << "scoring changed the model";

    const std::vector<NamedParameter> all = engine::parameters(model);
    const auto optimizer = recipe.make(all);
    engine::Ema average(all, 0.5);
    for (int i = 0; i < 4; ++i) {
      engine::backward(small::loss(model, i));
      tuning->regularize(all);
      engine::clip_gradients(all, 1);
      optimizer->step(0.01);
      average.update();
    }
    small::expect_only_trained_numbers_moved(model, before, "after training");
    average.swap();
    small::expect_only_trained_numbers_moved(model, before, "with the averages");
  }
}

TEST_P(EveryMethod, trains_as_many_numbers_as_its_account_says_and_the_optimizer_sees) {
  Vit model = base();
  const auto tuning = method();
  tuning->prepare(model, small::losses(model, *tuning));
  const peft::Account account = peft::account(model);
  Index trained = 0, total = 0, head = 0;
  for (const auto& [parameter_name, parameter] : engine::parameters(model)) {
    const Index count = parameter.trains().gather(parameter.value()).numel();
    EXPECT_EQ(parameter.trained_count(), count) << parameter_name;
    trained += count, total += parameter.value().numel();
    if (parameter_name.starts_with("head.")) head += count;
  }
  EXPECT_EQ(account.trainable, trained);
  EXPECT_EQ(account.total, total);
  EXPECT_EQ(account.head, head);
  EXPECT_EQ(head, (model.config().width + 1) * model.config().classes) << "the head trains whole";

  const auto adam = engine::make_adam(engine::parameters(model), {});
  small::step(model, *tuning, *adam, 0);
  EXPECT_EQ(adam->bytes(), static_cast<std::size_t>(2 * 4 * trained)) << "two moments in f32";
}

TEST_P(EveryMethod, counts_the_same_without_losses) {
  Vit scored = base(), counted = base();
  const auto a = method(), b = method();
  a->prepare(scored, small::losses(scored, *a));
  b->prepare(counted, nullptr);
  const peft::Account with = peft::account(scored), without = peft::account(counted);
  EXPECT_EQ(with.trainable, without.trainable);
  ASSERT_EQ(with.groups.size(), without.groups.size());
  for (std::size_t i = 0; i < with.groups.size(); ++i) {
    EXPECT_EQ(with.groups[i].name, without.groups[i].name);
    EXPECT_EQ(with.groups[i].trainable, without.groups[i].trainable) << with.groups[i].name;
  }
}

TEST_P(EveryMethod, draws_losses_only_if_it_scores_and_then_all_of_them) {
  Vit model = base();
  const auto tuning = method();
  int drawn = 0;
  tuning->prepare(model, small::losses(model, *tuning, 3, &drawn));
  const int batches = tuning->scoring() && tuning->scoring()->batches ? 1 : 3;
  EXPECT_EQ(drawn, tuning->scoring() ? batches + 1 : 0);
  EXPECT_EQ(tuning->choices().empty(), tuning->scoring() == nullptr);
  for (const auto& [parameter_name, parameter] : engine::parameters(model))
    EXPECT_TRUE(parameter.grad().empty()) << parameter_name << " keeps a gradient";
}

TEST_P(EveryMethod, restores_the_tuned_model_bit_for_bit_from_its_delta_and_the_base) {
  const engine::TemporaryFolder folder;
  Vit tuned = base(), again = base();
  small::tune(tuned, *method());
  engine::write_safetensors(folder / "delta.safetensors", peft::delta_of(tuned));
  peft::apply_delta(again, engine::Safetensors(folder / "delta.safetensors"));

  EXPECT_TRUE(small::same_bits(engine::state(again), engine::state(tuned)));
  Vit untouched = base();
  EXPECT_FALSE(small::same_bits(engine::state(again), engine::state(untouched)));
  const std::vector<NamedParameter> a = engine::parameters(tuned), b = engine::parameters(again);
  for (std::size_t i = 0; i < a.size(); ++i)
    EXPECT_EQ(a[i].parameter.trains(), b[i].parameter.trains()) << a[i].name;
}

TEST_P(EveryMethod, writes_no_more_numbers_than_it_trains) {
  Vit model = base();
  const auto tuning = method();
  tuning->prepare(model, small::losses(model, *tuning));
  Index numbers = 0;
  for (const auto& [tensor_name, tensor] : peft::delta_of(model))
    if (tensor.dtype() == engine::Dtype::f32) numbers += tensor.numel();
  EXPECT_EQ(numbers, peft::account(model).trainable);
}

TEST_P(EveryMethod, moves_the_same_numbers_to_the_same_bits_as_masked_dense_training) {
  Vit packed = base(), dense = base();
  const auto tuning = method({{"anchor", "0"}});
  tuning->prepare(packed, small::losses(packed, *tuning));
  const std::vector<NamedParameter> some = engine::parameters(packed), all = engine::parameters(dense);
  for (const NamedParameter& p : all) p.parameter.train(Selection::all());
  const auto small_adam = engine::make_adam(some, {}), large_adam = engine::make_adam(all, {});
  for (int i = 0; i < 4; ++i) {
    small::step(packed, *tuning, *small_adam, i);
    engine::backward(small::loss(dense, i));
    for (std::size_t j = 0; j < all.size(); ++j) {
      const Selection& part = some[j].parameter.trains();
      Tensor& gradient = all[j].parameter.grad();
      Tensor masked = Tensor::zeros(gradient.shape());
      part.scatter(part.gather(gradient), masked);
      gradient = masked;
    }
    large_adam->step(0.01);
    ASSERT_TRUE(small::same_bits(engine::state(packed), engine::state(dense))) << "step " << i;
  }
}

TEST_P(EveryMethod, gives_every_parameter_that_trains_a_gradient_of_the_packed_size) {
  Vit model = base();
  const auto tuning = method();
  tuning->prepare(model, small::losses(model, *tuning));
  engine::backward(small::loss(model, 0));
  for (const auto& [parameter_name, parameter] : engine::parameters(model)) {
    if (!parameter.trains().any()) {
      EXPECT_TRUE(parameter.grad().empty()) << parameter_name;
      continue;
    }
    ASSERT_FALSE(parameter.grad().empty()) << parameter_name;
    EXPECT_EQ(parameter.grad().numel(), parameter.trained_count()) << parameter_name;
    const auto numbers = parameter.grad().data<float>();
    EXPECT_TRUE(std::ranges::any_of(numbers, [](float g) { return g != 0; })) << parameter_name;
  }
}

TEST_P(EveryMethod, has_no_penalty_before_the_first_step) {
  Vit model = base();
  const auto tuning = method();
  tuning->prepare(model, small::losses(model, *tuning));
  engine::backward(small::loss(model, 0));
  EXPECT_EQ(tuning->regularize(engine::parameters(model)), 0);
}

TEST_P(EveryMethod, gives_the_same_bits_every_time_and_for_any_thread_count) {
  const auto run = [&](int threads) {
    const support::UseThreads guard(threads);
    Vit model = base();
    const auto tuning = method();
    tuning->keep_gradients();
    small::tune(model, *tuning);
    State all = small::copy(model);
    for (const peft::Choice& choice : tuning->choices()) {
      all.emplace_back(choice.parameter + ".gradient", choice.gradient);
      all.emplace_back(choice.parameter + ".score",
                       Tensor::of<float>({static_cast<Index>(choice.scores.size())}, choice.scores));
    }
    return all;
  };
  const State once = run(1);
  for (const int threads : {1, 2, 3}) EXPECT_TRUE(small::same_bits(run(threads), once)) << threads;
}

TEST_P(EveryMethod, goes_on_from_what_an_earlier_run_chose_with_the_same_bits) {
  Vit prepared = base(), restored = base();
  const auto a = method({{"anchor", "5"}}), b = method({{"anchor", "5"}});
  a->prepare(prepared, small::losses(prepared, *a));
  std::map<std::string, Selection> trained;
  for (const auto& [parameter_name, parameter] : engine::parameters(prepared)) {
    if (parameter.trains().any()) trained.emplace(parameter_name, parameter.trains());
  }
  b->restore(restored, trained);
  const auto first = engine::make_adam(engine::parameters(prepared), {}),
             second = engine::make_adam(engine::parameters(restored), {});
  for (int i = 0; i < 3; ++i) {
    small::step(prepared, *a, *first, i);
    small::step(restored, *b, *second, i);
  }
  EXPECT_TRUE(small::same_bits(engine::state(prepared), engine::state(restored)));
}

std::string name_of(const ::testing::TestParamInfo<EveryMethod::ParamType>& row) {
  return std::get<0>(row.param) + "_on_" + std::get<1>(row.param).name;
}
INSTANTIATE_TEST_SUITE_P(, EveryMethod,
                         ::testing::Combine(::testing::ValuesIn(method_names()),
                                            ::testing::ValuesIn(small::all_sizes())),
                         name_of);

}  // namespace
