// Whether time depends on values: inference and a step of `full` on values whose products, gradients or
// Adam's squares are denormal, in turn with ordinary ones.
//   bench_values [ARCH [BATCH [REPEATS]]]     ViT-Ti/16 at batch 8, 15 times, if not given
// A row has the median time on ordinary values and on these, and the ratio of the two: the median over pairs
// that ran one after the other. The exit status is 1 when a ratio is above the limit, which is 1.1.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/autograd/backward.h"
#include "engine/base/check.h"
#include "engine/base/stopwatch.h"
#include "engine/base/text.h"
#include "engine/nn/linear.h"
#include "engine/nn/roles.h"
#include "engine/ops/loss.h"
#include "engine/optim/optimizer.h"
#include "engine/tensor/random.h"
#include "models/zoo.h"
#include "peft/methods.h"

namespace {

using engine::Index;
using engine::Tensor;

constexpr Index kClasses = 10;
constexpr double kLimit = 1.1;

struct Sizes {
  std::string arch = "vit_tiny_patch16_224";
  Index batch = 8, repeats = 15;
};

/// A model with images that are all of class 0.
struct Setup {
  explicit Setup(const Sizes& sizes) : model(config_of(sizes)) {
    models::initialize(model, 0);
    const Index side = model.config().image_height;
    engine::Random random(0, engine::Random::Use::test);
    images = engine::normal({sizes.batch, 3, side, side}, random, 1);
    targets = engine::one_hot(std::vector<Index>(static_cast<std::size_t>(sizes.batch), 0), kClasses);
  }
  static models::VitConfig config_of(const Sizes& sizes) {
    models::VitConfig config = models::architecture(sizes.arch);
    config.classes = kClasses;
    return config;
  }
  models::Vit model;
  Tensor images, targets;
};

using Change = std::function<void(models::Vit&)>;

/// The matrices of all blocks, scaled.
Change scaled_blocks(double factor) {
  return [factor](models::Vit& model) {
    for (const auto& [name, parameter] : engine::parameters(model)) {
      if (engine::role_of(name).kind != engine::Role::Kind::block || parameter.value().shape().rank() < 2)
        continue;
      for (float& w : parameter.value().data<float>()) w = static_cast<float>(w * factor);
    }
  };
}

/// Class 0 leads by so much that the loss is 0 and its gradient some exp(-margin).
Change margins(float margin) {
  return [margin](models::Vit& model) {
    for (const auto& [name, parameter] : engine::parameters(model))
      if (name == "head.bias") parameter.value().data<float>()[0] = margin;
  };
}

std::function<void()> inference(const Sizes& sizes, const Change& change) {
  auto setup = std::make_shared<Setup>(sizes);
  change(setup->model);
  engine::pack_weights(setup->model);
  return [setup] {
    const engine::NoGrad no_grad;
    setup->model(setup->images);
  };
}

/// At a rate of 0, so that the weights stay as they are; Adam computes all the same.
std::function<void()> step(const Sizes& sizes, const Change& change) {
  auto setup = std::make_shared<Setup>(sizes);
  change(setup->model);
  peft::make_method("full", {})->prepare(setup->model, {});
  std::shared_ptr<engine::Optimizer> optimizer = engine::make_adam(engine::parameters(setup->model), {});
  return [setup, optimizer] {
    engine::backward(engine::cross_entropy(setup->model(setup->images), setup->targets));
    optimizer->step(0);
  };
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

double seconds_of(const std::function<void()>& work) {
  const engine::Stopwatch watch;
  work();
  return watch.seconds();
}

/// Prints a row and gives its ratio.
double compare(const char* what, const Sizes& sizes, const std::function<void()>& ordinary,
               const std::function<void()>& changed) {
  ordinary(), changed();
  std::vector<double> a, b, ratios;
  for (Index i = 0; i < sizes.repeats; ++i) {
    const bool first = i % 2 == 0;  // so that neither has the better place
    if (first) a.push_back(seconds_of(ordinary));
    b.push_back(seconds_of(changed));
    if (!first) a.push_back(seconds_of(ordinary));
    ratios.push_back(b.back() / a.back());
  }
  const double ratio = median(ratios);
  std::printf("%-38s  %8.1f  %8.1f  %6.3f%s\n", what, 1e3 * median(a), 1e3 * median(b), ratio,
              ratio > kLimit ? "  above the limit" : "");
  std::fflush(stdout);
  return ratio;
}

Sizes sizes_of(int argc, char** argv) {
  Sizes sizes;
  if (argc > 1) sizes.arch = argv[1];
  if (argc > 2) sizes.batch = engine::parse_integer(argv[2], "BATCH");
  if (argc > 3) sizes.repeats = engine::parse_integer(argv[3], "REPEATS");
  engine::check(argc <= 4 && sizes.batch > 0 && sizes.repeats > 0,
                "bench_values takes ARCH, BATCH and REPEATS, both 1 or more");
  return sizes;
}

/// Prints all rows and gives the largest ratio.
double compare_all(const Sizes& sizes) {
  const Change none = [](models::Vit&) {};
  const struct {
    const char* name;
    Change change;
  } cases[] = {{"block weights x 1e-36", scaled_blocks(1e-36)},
               {"block weights x 1e-10", scaled_blocks(1e-10)},
               {"margins of 35 logits", margins(35)}};
  std::printf("%s, batch %ld; limit %.1f\n%-38s  %8s  %8s  %6s\n", sizes.arch.c_str(),
              static_cast<long>(sizes.batch), kLimit, "", "ms", "ms here", "ratio");
  double worst = 0;
  for (const auto& [name, work] : {std::pair{"inference", &inference}, std::pair{"step of full", &step}}) {
    for (const auto& c : cases)
      worst = std::max(worst, compare((std::string(name) + ", " + c.name).c_str(), sizes, work(sizes, none),
                                      work(sizes, c.change)));
  }
  return worst;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return compare_all(sizes_of(argc, argv)) <= kLimit ? 0 : 1;
  } catch (const engine::Error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 2;
  }
}
