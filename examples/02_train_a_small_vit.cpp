// 02: a small Vision Transformer learns from scratch which quarter of an image is bright.
#include <algorithm>
#include <cstdio>

#include "engine/autograd/backward.h"
#include "engine/ops/ops.h"
#include "engine/optim/optimizer.h"
#include "engine/tensor/random.h"
#include "models/vit.h"

using engine::Index;
using engine::Random;
using engine::Tensor;

namespace {

constexpr Index kSide = 16, kClasses = 4, kBatch = 32;

struct Batch {
  Tensor images;  ///< [n, 3, side, side]
  std::vector<Index> labels;
};

/// Noise, and one quarter that is brighter: its number, 0 to 3, is the label. Batch `i` is always the same.
Batch batch(std::uint64_t i) {
  Random random(1, Random::Use::test, i);
  Batch made{engine::normal({kBatch, 3, kSide, kSide}, random, 1), {}};
  auto value = made.images.data<float>().begin();
  for (Index n = 0; n < kBatch; ++n) {
    const Index label = made.labels.emplace_back(random.below(kClasses));
    for (Index c = 0; c < 3; ++c)
      for (Index row = 0; row < kSide; ++row)
        for (Index column = 0; column < kSide; ++column, ++value)
          if (row / (kSide / 2) * 2 + column / (kSide / 2) == label) *value += 2;
  }
  return made;
}

/// The share of a batch that the model gets right.
double accuracy(models::Vit& model, const Batch& b) {
  const engine::NoGrad no_graph;
  const Tensor logits = model(b.images);
  Index right = 0;
  for (Index n = 0; n < kBatch; ++n) {
    const auto scores = logits.data<float>().subspan(static_cast<std::size_t>(n * kClasses), kClasses);
    right += std::ranges::max_element(scores) - scores.begin() == b.labels[static_cast<std::size_t>(n)];
  }
  return static_cast<double>(right) / kBatch;
}

}  // namespace

int main() {
  models::Vit model({.image_height = kSide,
                     .image_width = kSide,
                     .patch = 4,
                     .width = 32,
                     .depth = 2,
                     .heads = 2,
                     .hidden = 64,
                     .classes = kClasses});
  models::initialize(model, /*seed=*/0);
  const auto optimizer = engine::make_adam(engine::parameters(model), {});

  for (std::uint64_t step = 0; step < 200; ++step) {
    const Batch b = batch(step);
    const Tensor loss = engine::cross_entropy(model(b.images), engine::one_hot(b.labels, kClasses));
    engine::backward(loss);        // adds to every parameter's gradient
    optimizer->step(/*lr=*/3e-3);  // moves the parameters and clears the gradients
    if (step % 40 == 0) std::printf("step %3d  loss %.3f\n", static_cast<int>(step), loss.item());
  }

  const double unseen = accuracy(model, batch(1000));
  std::printf("accuracy on images it has not seen: %.0f %%\n", 100 * unseen);
  return unseen > 0.9 ? 0 : 1;
}
