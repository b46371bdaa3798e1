// What holds for every method on every model.
#include <gtest/gtest.h>

#include "engine/autograd/record.h"
#include "engine/kernels/parallel.h"
#include "engine/optim/clip.h"
#include "engine/optim/ema.h"
#include "peft/account.h"
#include "peft/adapters/merge.h"
#include "peft/delta.h"
#include "tests/engine/io/temporary_folder.h"
#include "tests/peft/small.h"
#include "tests/support/kernel_guards.h"
#include "tests/support/one_thread.h"

namespace {

using engine::Index;
using engine::NamedParameter;
using engine::NamedTensors;
using engine::Selection;
using engine::Tensor;
using models::Vit;
using models::VitConfig;

std::vector<std::string> method_names() {
  std::vector<std::string> names;
  for (const peft::MethodInfo& info : peft::methods()) names.push_back(info.name);
  return names;
}

/// `before`, and what the model has beside it.
NamedTensors with_what_was_added(const NamedTensors& before, Vit& model) {
  NamedTensors all;
  auto next = before.begin();
  for (const auto& [name, tensor] : small::copy(model)) {
    const bool known = next != before.end() && next->first == name;
    all.emplace_back(name, known ? (next++)->second : tensor);
  }
  return all;
}

/// Models that a test goes through one after the other.
struct Models {
  const char* name;
  std::vector<small::Sizes> all;
};
void PrintTo(const Models& models, std::ostream* out) {
  *out << models.name;
}

class EveryMethod : public ::testing::TestWithParam<std::tuple<std::string, Models>> {
 protected:
  const std::string& name() const { return std::get<0>(GetParam()); }
  void on_every_model(const std::function<void()>& test) {
    for (const small::Sizes& sizes : std::get<1>(GetParam()).all) {
      SCOPED_TRACE(sizes.name);
      config_ = sizes.config;
      test();
    }
  }
  /// The base, with the modules that the method adds.
  Vit base() const {
    Vit model = small::model(config_);
    method()->attach(model);
    return model;
  }
  std::unique_ptr<peft::Method> method(std::map<std::string, std::string> options = {}) const {
    return small::method(name(), std::move(options));
  }

  VitConfig config_;
};

/// One way to train, with everything that could touch a frozen value.
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
  on_every_model([&] {
    for (const Recipe& recipe : kRecipes) {
      SCOPED_TRACE(recipe.name);
      Vit model = base();
      NamedTensors before = small::copy(model);
      const auto tuning = method();
      tuning->prepare(model, small::losses(model, *tuning));
      before = with_what_was_added(before, model);  // some modules are added after scoring
      EXPECT_TRUE(small::same_bits(engine::state(model), before)) << "scoring changed the model";

      const std::vector<NamedParameter> all = engine::parameters(model);
      const auto optimizer = recipe.make(all);
      engine::Ema average(all, 0.5);
      for (int i = 0; i < small::kSteps; ++i) {
        small::begin_step(model, *tuning, *optimizer, i);
        engine::backward(small::loss(model, i));
        tuning->regularize(all);
        engine::clip_gradients(all, 1);
        optimizer->step(0.01);
        average.update();
      }
      small::expect_only_these_values_moved(model, before, tuning->moved(model), "after training");
      average.swap();
      small::expect_only_these_values_moved(model, before, tuning->moved(model), "with the averages");
    }
  });
}

TEST_P(EveryMethod, trains_as_many_parameters_as_its_account_counts_and_the_optimizer_sees) {
  on_every_model([&] {
    Vit model = base();
    const auto tuning = method();
    tuning->prepare(model, small::losses(model, *tuning));
    const peft::Account account = peft::account(model);
    Index trained = 0, total = 0, head = 0;
    for (const auto& [parameter_name, parameter] : engine::parameters(model)) {
      const Index count = parameter.trains().gather(parameter.value()).numel();
      EXPECT_EQ(parameter.trained_count(), count) << parameter_name;
      trained += count, total += parameter.value().numel();
      if (engine::in_head(parameter_name)) head += count;
    }
    EXPECT_EQ(account.trainable, trained);
    EXPECT_EQ(account.total, total);
    EXPECT_EQ(account.head, head);
    const VitConfig& c = model.config();
    EXPECT_EQ(head, (c.head_width() + 1) * c.classes * (1 + c.distillation_head)) << "heads train whole";

    const auto adam = engine::make_adam(engine::parameters(model), {});
    small::step(model, *tuning, *adam, 0);
    EXPECT_EQ(adam->bytes(), static_cast<std::size_t>(2 * 4 * peft::account(model).trainable))
        << "two moments in f32";
  });
}

TEST_P(EveryMethod, counts_the_same_without_losses) {
  on_every_model([&] {
    Vit scored = base(), counted = base();
    const auto a = method(), b = method();
    if (a->traits().count_depends_on_data) GTEST_SKIP() << "what it trains depends on the images";
    a->prepare(scored, small::losses(scored, *a));
    b->prepare(counted, nullptr);
    const peft::Account with = peft::account(scored), without = peft::account(counted);
    EXPECT_EQ(with.trainable, without.trainable);
    ASSERT_EQ(with.groups.size(), without.groups.size());
    for (std::size_t i = 0; i < with.groups.size(); ++i) {
      EXPECT_EQ(with.groups[i].name, without.groups[i].name);
      EXPECT_EQ(with.groups[i].trainable, without.groups[i].trainable) << with.groups[i].name;
    }
  });
}

TEST_P(EveryMethod, draws_losses_only_if_it_scores_and_then_all_of_them) {
  on_every_model([&] {
    Vit model = base();
    const auto tuning = method();
    int drawn = 0;
    tuning->prepare(model, small::losses(model, *tuning, 3, &drawn));
    const int batches =
        tuning->scoring() && tuning->scoring()->batches ? static_cast<int>(tuning->scoring()->batches) : 3;
    EXPECT_EQ(drawn, tuning->scoring() ? batches + 1 : 0);
    EXPECT_TRUE(!tuning->scoring() || !tuning->choices().empty());
    for (const auto& [parameter_name, parameter] : engine::parameters(model))
      EXPECT_FALSE(parameter.grad().defined()) << parameter_name << " keeps a gradient";
  });
}

TEST_P(EveryMethod, restores_the_tuned_model_bit_for_bit_from_its_delta_and_the_base) {
  on_every_model([&] {
    const engine::TemporaryFolder folder;
    Vit tuned = base(), again = small::model(config_);
    const auto tuning = method();
    small::tune(tuned, *tuning);
    engine::write_safetensors(folder / "delta.safetensors", peft::delta_of(tuned, tuning->moved(tuned)));
    const engine::Safetensors delta(folder / "delta.safetensors");
    std::set<std::string> stored;
    for (const auto& [stored_name, part] : peft::read_parts(delta)) stored.insert(stored_name);
    method()->attach(again, stored);
    peft::apply_delta(again, delta);

    EXPECT_TRUE(small::same_bits(engine::state(again), engine::state(tuned)));
    Vit untouched = base();
    EXPECT_FALSE(small::same_bits(engine::state(again), engine::state(untouched)));
    EXPECT_EQ(peft::trained_parts(again), tuning->moved(tuned));
  });
}

TEST_P(EveryMethod, writes_no_more_values_than_it_trains) {
  on_every_model([&] {
    Vit model = base();
    const auto tuning = method();
    tuning->prepare(model, small::losses(model, *tuning));
    Index values = 0;
    for (const auto& [tensor_name, tensor] : peft::delta_of(model, tuning->moved(model)))
      if (tensor.dtype() == engine::Dtype::f32) values += tensor.numel();
    EXPECT_EQ(values, peft::account(model).trainable);
  });
}

TEST_P(EveryMethod, moves_the_same_values_to_the_same_bits_as_masked_dense_training) {
  on_every_model([&] {
    Vit packed = base(), dense = base();
    const auto tuning = method({{"anchor", "0"}, {"nuclear", "0"}, {"progressive", "off"}});
    if (!tuning->traits().selection_is_fixed) GTEST_SKIP() << "what it trains changes";
    tuning->prepare(packed, small::losses(packed, *tuning));
    std::set<std::string> added;
    for (const auto& [part_name, part] : peft::trained_parts(packed)) added.insert(part_name);
    tuning->attach(dense, added);
    const std::vector<NamedParameter> some = engine::parameters(packed), all = engine::parameters(dense);
    for (const NamedParameter& p : all) p.parameter.train(Selection::all());
    const auto small_adam = engine::make_adam(some, {}), large_adam = engine::make_adam(all, {});
    for (int i = 0; i < small::kSteps; ++i) {
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
  });
}

TEST_P(EveryMethod, gives_every_parameter_that_trains_a_gradient_of_the_packed_size) {
  on_every_model([&] {
    Vit model = base();
    const auto tuning = method();
    tuning->prepare(model, small::losses(model, *tuning));
    const auto optimizer = engine::make_sgd(engine::parameters(model), {});
    small::step(model, *tuning, *optimizer, 0);  // what is behind zeros at first has a gradient from now on
    small::begin_step(model, *tuning, *optimizer, 1);
    engine::backward(small::loss(model, 1));
    for (const auto& [parameter_name, parameter] : engine::parameters(model)) {
      if (!parameter.trains().any()) {
        EXPECT_FALSE(parameter.grad().defined()) << parameter_name;
        continue;
      }
      ASSERT_FALSE(!parameter.grad().defined()) << parameter_name;
      EXPECT_EQ(parameter.grad().numel(), parameter.trained_count()) << parameter_name;
      const auto values = parameter.grad().data<float>();
      EXPECT_TRUE(std::ranges::any_of(values, [](float g) { return g != 0; })) << parameter_name;
    }
  });
}

TEST_P(EveryMethod, has_no_penalty_before_the_first_step) {
  on_every_model([&] {
    Vit model = base();
    const auto tuning = method({{"anchor-head", "none"}, {"nuclear", "0"}});
    tuning->prepare(model, small::losses(model, *tuning));
    engine::backward(small::loss(model, 0));
    EXPECT_EQ(tuning->regularize(engine::parameters(model)), 0);
  });
}

TEST_P(EveryMethod, gives_the_same_bits_every_time_and_for_any_thread_count) {
  on_every_model([&] {
    const auto run = [&](int threads) {
      const support::UseThreads guard(threads);
      Vit model = base();
      const auto tuning = method();
      const peft::Scoring* const scoring = tuning->scoring();
      if (!scoring || scoring->no_whole_gradient.empty()) tuning->keep_gradients();
      small::tune(model, *tuning);
      NamedTensors all = small::copy(model);
      for (const peft::Choice& choice : tuning->choices()) {
        if (choice.gradient.defined()) all.emplace_back(choice.parameter + ".gradient", choice.gradient);
        all.emplace_back(choice.parameter + ".score",
                         Tensor::of<float>({static_cast<Index>(choice.scores.size())}, choice.scores));
      }
      return all;
    };
    const NamedTensors once = run(1);
    for (const int threads : {1, 2, 3}) EXPECT_TRUE(small::same_bits(run(threads), once)) << threads;
  });
}

TEST_P(EveryMethod, goes_on_from_what_an_earlier_run_left_with_the_same_bits) {
  on_every_model([&] {
    constexpr int kLong = 8;
    const std::map<std::string, std::string> eager{
        {"anchor", "5"}, {"period", "2"}, {"grow-batches", "1"}, {"threshold", "0.05"}};
    const bool one_of_many = std::get<1>(GetParam()).all.size() > 1;
    for (int stop = one_of_many ? 3 : 0; stop < kLong; stop += one_of_many ? 3 : 1) {
      Vit straight = base(), resumed = base();
      const auto a = method(eager), b = method(eager);
      a->prepare(straight, small::losses(straight, *a));
      const auto first = engine::make_adam(engine::parameters(straight), {});
      for (int i = 0; i < stop; ++i) small::step(straight, *a, *first, i, 0.01, kLong);

      // As a checkpoint has it.
      const engine::TemporaryFolder folder;
      engine::write_safetensors(folder / "moved", peft::delta_of(straight, a->moved(straight)));
      const peft::PartsByName trained = peft::trained_parts(straight);
      NamedTensors state = a->state();
      for (auto& [tensor_name, tensor] : state) tensor = tensor.clone();
      NamedTensors moments = first->state();
      for (auto& [tensor_name, tensor] : moments) tensor = tensor.clone();
      b->restore(resumed, trained, state);
      peft::apply_delta(resumed, engine::Safetensors(folder / "moved"));
      peft::train_only(resumed, trained);
      const auto second = engine::make_adam(engine::parameters(resumed), {});
      second->load_state(moments);

      for (int i = stop; i < kLong; ++i) {
        small::step(straight, *a, *first, i, 0.01, kLong);
        small::step(resumed, *b, *second, i, 0.01, kLong);
      }
      EXPECT_TRUE(small::same_bits(engine::state(straight), engine::state(resumed))) << "stopped at " << stop;
      EXPECT_EQ(a->moved(straight), b->moved(resumed)) << "stopped at " << stop;
    }
  });
}

TEST_P(EveryMethod, computes_what_the_base_does_before_the_first_step_or_declares_otherwise) {
  on_every_model([&] {
    Vit plain = small::model(config_), prepared = base();
    const auto tuning = method();
    tuning->prepare(prepared, small::losses(prepared, *tuning));
    const engine::NoGrad no_grad;
    const Tensor images = small::images(plain.config(), 0);
    EXPECT_EQ(static_cast<bool>(support::near(prepared(images), plain(images), 1e-6)),
              tuning->traits().starts_as_base);
  });
}

TEST_P(EveryMethod, has_traits_that_are_true) {
  on_every_model([&] {
    Vit model = base();
    const auto tuning = method();
    tuning->prepare(model, small::losses(model, *tuning));
    const auto optimizer = engine::make_sgd(engine::parameters(model), {});
    bool all_train = false, some_backbone = false;
    for (int i = 0; i < small::kSteps; ++i) {
      const auto before = peft::trained_parts(model);
      small::step(model, *tuning, *optimizer, i);
      const peft::Account account = peft::account(model);
      all_train |= account.trainable == account.total;
      some_backbone |= account.trainable > account.head;
      if (tuning->traits().selection_is_fixed) {
        for (const auto& [part_name, part] : peft::trained_parts(model))
          EXPECT_TRUE(before.contains(part_name)) << part_name << " trains since step " << i;
      }
    }
    EXPECT_EQ(some_backbone, !tuning->traits().trains_head_only);
    EXPECT_TRUE(all_train || !tuning->traits().all_train_later);
  });
}

TEST_P(EveryMethod, merges_into_the_base_and_comes_back_to_the_bit) {
  on_every_model([&] {
    Vit model = base();
    const auto tuning = method();
    small::tune(model, *tuning);
    const NamedTensors before = small::copy(model);
    const engine::NoGrad no_grad;
    const Tensor images = small::images(model.config(), 0), adapted = model(images);
    if (!tuning->traits().merges) {
      EXPECT_NE(support::error_of([&] { peft::MergedAdapters merged(model); }), "");
    } else {
      peft::MergedAdapters merged(model);
      Vit plain = small::model(config_);
      EXPECT_EQ(engine::parameters(model).size(), engine::parameters(plain).size())
          << "nothing added is left";
      EXPECT_TRUE(support::near(model(images), adapted, 1e-5));
      merged.undo();
    }
    EXPECT_TRUE(small::same_bits(engine::state(model), before));
    EXPECT_TRUE(support::same_bits(model(images), adapted));
  });
}

std::string name_of(const ::testing::TestParamInfo<EveryMethod::ParamType>& row) {
  std::string name = std::get<0>(row.param) + "_on_" + std::get<1>(row.param).name;
  std::ranges::replace(name, '-', '_');
  return name;
}
std::vector<Models> every_model() {
  std::vector<Models> groups;
  for (const small::Sizes& plain : small::all_sizes()) groups.push_back({plain.name, {plain}});
  groups.push_back({"backbones", small::all_backbones()});
  return groups;
}
INSTANTIATE_TEST_SUITE_P(, EveryMethod,
                         ::testing::Combine(::testing::ValuesIn(method_names()),
                                            ::testing::ValuesIn(every_model())),
                         name_of);

}  // namespace
