#include "tools/training/memory_estimate.h"

#include <algorithm>
#include <cmath>

#include "engine/autograd/backward.h"
#include "engine/autograd/record.h"
#include "engine/base/text.h"
#include "engine/ops/ops.h"
#include "peft/target.h"
#include "tools/training/depth.h"
#include "tools/training/patch_drop.h"
#include "tools/training/pretrained/at_image_size.h"

namespace training {

using engine::Tensor;

namespace {

/// Bytes that buffers grow by in a forward and a backward pass with `count` images.
std::size_t pass_growth(models::Vit& model, Index count, const PatchDrop& drop) {
  const models::VitConfig& c = model.config();
  const Tensor images = Tensor::zeros({count, c.channels, c.image_height, c.image_width});
  const Growth growth;
  const std::vector<Index> labels(static_cast<std::size_t>(count), 0);
  const models::Dropped dropped{.patches = drop.kept(labels, 0, c.patches())};
  engine::backward(engine::cross_entropy(model(images, dropped), engine::one_hot(labels, c.classes)));
  return growth.most();
}

/// The same for any number of images, from two passes that have the tokens of one and of three whole ones:
/// with fewer the gradients alone would be the most, whatever the images need.
std::size_t estimated_growth(models::Vit& model, Index count, const PatchDrop& drop) {
  const auto growth_of = [&](Index images) {
    const std::size_t growth = pass_growth(model, images, drop);
    engine::Module& all = model;
    for (const auto& p : engine::parameters(all)) p.parameter.grad() = {};
    return growth;
  };
  const Index few = std::lround(std::min(1 / (1 - drop.rate), static_cast<double>(count)));
  const std::size_t least = growth_of(few);
  if (count == few) return least;
  const std::size_t more = growth_of(3 * few);
  const std::size_t each = more > least ? (more - least) / static_cast<std::size_t>(2 * few) : 0;
  return least + each * static_cast<std::size_t>(count - few);
}

/// Bytes that buffers grow by when `count` images are evaluated.
std::size_t evaluation_growth(models::Vit& model, Index count) {
  const models::VitConfig& c = model.config();
  const engine::NoGrad evaluation;
  const auto growth_of = [&](Index images) {
    const Tensor grey = Tensor::zeros({images, c.channels, c.image_height, c.image_width});
    const Growth growth;
    model(grey);
    return growth.most();
  };
  const std::size_t one = growth_of(1), three = std::max(one, growth_of(3));
  return one + (three - one) / 2 * static_cast<std::size_t>(count - 1);
}

std::size_t trained_bytes(models::Vit& model) {
  std::size_t bytes = 0;
  for (const auto& p : engine::parameters(model))
    bytes += gradient_bytes(p.parameter.form(), p.parameter.value().shape(), p.parameter.trains());
  return bytes;
}

/// How many packed copies of what trains the optimizer keeps.
std::size_t moments(const TrainConfig& config) {
  if (config.optimizer == "sgd") return config.momentum > 0 ? 1 : 0;
  return 2;
}

std::string megabytes(std::size_t bytes) {
  return engine::fixed(static_cast<double>(bytes) / 1e6, 0) + " MB";
}

}  // namespace

std::string MemoryEstimate::text() const {
  const std::pair<const char*, std::size_t> parts[] = {
      {"weights", weights},     {"copies of them", copies},   {"gradients", gradients},
      {"optimizer", optimizer}, {"activations", activations}, {"images", images},
      {"results", results},     {"program", program}};
  std::vector<std::string> words;
  for (const auto& [name, bytes] : parts)
    if (bytes > 0) words.push_back(engine::say(name, megabytes(bytes)));
  return engine::join(words, ", ") + "; total " + megabytes(total());
}

std::size_t gradient_bytes(const engine::GradientForm& form, const engine::Shape& full,
                           const engine::Selection& part) {
  const bool reduced = std::holds_alternative<engine::GradientForm::Reduced>(form.kind());
  const std::size_t each = sizeof(float) + (reduced ? sizeof(Index) : 0);
  return static_cast<std::size_t>(form.shape(full, part).numel()) * each;
}

MemoryEstimate estimate_memory(Run& run, const TrainConfig& config) {
  models::Vit& model = run.loaded.model;
  MemoryEstimate plan;
  for (const auto& p : engine::parameters(model)) plan.weights += p.parameter.value().bytes();

  const peft::Scoring* scoring = run.method->scoring();
  const PatchDrop drop{config.patch_drop};
  // Views that differ are read or, where it is by their patches alone, made of the image in the pass.
  const bool contrasts = scoring && scoring->loss == peft::Scoring::Loss::supcon;
  const Index read_views = contrasts && scoring->augment ? 2 : 1;
  const Index views = contrasts && (scoring->augment || drop.rate > 0) ? 2 : 1;
  const models::VitConfig& c = model.config();
  // Of the images to train on five batches at most are in the making, waiting and in use; then as many to be
  // evaluated.
  const auto held = [&](const data::Dataset* images) {
    return images ? std::min(5 * config.batch_size, images->size()) : 0;
  };
  const auto bytes = [&](Index images, data::ImageSize size) {
    return static_cast<std::size_t>(images * c.channels * size.height * size.width) * sizeof(float);
  };
  const data::ImageSize size = image_size_of(c), scored_size = scoring ? scoring->image_size : 0;
  const Index trained_on = held(run.images.get());
  plan.images = std::max(bytes(trained_on, size),
                         bytes(trained_on * read_views + config.batch_size * (views - read_views),
                               scored_size == data::ImageSize() ? size : scored_size)) +
                bytes(held(run.splits.val.get()), size);

  run.method->prepare(model, {});
  apply_depth(model, config);
  const peft::MethodTraits traits = run.method->traits();
  if (traits.all_train_later) {
    for (const auto& p : engine::parameters(model)) p.parameter.train(engine::Selection::all());
  }
  plan.copies = static_cast<std::size_t>(traits.weight_copies) * plan.weights;
  const std::size_t trained = trained_bytes(model);
  plan.gradients = trained;
  plan.optimizer = trained * (moments(config) + (config.ema > 0 ? 1 : 0));
  const std::size_t grown = estimated_growth(model, config.batch_size, drop);
  plan.activations = grown - std::min(grown, trained);
  if (drop.rate > 0)  // evaluations see all patches
    plan.activations = std::max(plan.activations, evaluation_growth(model, config.batch_size));
  if (!scoring) return plan;

  for (const auto& p : engine::parameters(model)) p.parameter.freeze();
  for (const auto& choice : run.method->choices()) {
    for (const auto& p : engine::parameters(model)) {
      if (p.name != choice.parameter) continue;
      p.parameter.observe(scoring->form_of(p));
    }
  }
  if (run.method->choices().empty()) {  // what it chooses from becomes adapters
    for (const auto& p : run.method->pool(model)) p.parameter.observe(scoring->form_of(p));
  }
  const std::size_t scored = trained_bytes(model);
  const AtImageSize at(model, scored_size);
  const std::size_t growth = estimated_growth(model, config.batch_size * views, drop);
  if (scored + growth > plan.gradients + plan.optimizer + plan.activations) {
    plan.gradients = scored, plan.optimizer = 0, plan.activations = growth - std::min(growth, scored);
    plan.in_scoring = true;
  }
  return plan;
}

MemoryEstimate estimate_inference(const models::VitConfig& c, Index batch_size) {
  const auto floats = [](Index count) { return static_cast<std::size_t>(count) * sizeof(float); };
  const Index tokens = c.tokens(), pixels = c.channels * c.image_height * c.image_width;
  MemoryEstimate plan;
  // The large matrices of one block: a gated MLP has three, and a hidden layer twice as wide.
  const Index gate = c.mlp == models::MlpForm::plain ? 1 : 2;
  const Index block = 4 * c.width * c.width + (1 + gate) * c.width * c.hidden;
  plan.weights = floats(c.depth * block + tokens * c.width + c.classes * c.width);
  // Images are laid out as patches. Tokens come in, go through queries, keys, values and attention, or
  // through the hidden layer, and out.
  plan.activations = floats(
      batch_size * (pixels + tokens * (3 * c.width + std::max(4 * c.width, gate * c.hidden)) + c.classes));
  plan.images = floats(5 * batch_size * pixels);  // in the making, waiting and in use
  return plan;
}

void check_inference_memory(const MemoryEstimate& estimate, std::size_t free) {
  const std::size_t more = estimate.total() - estimate.weights;  // the weights are there already
  engine::check(more <= free, "this needs about", megabytes(more),
                "more memory (" + estimate.text() + "), and", megabytes(free),
                std::string("are free; ") + (estimate.results > 0 ? "leave out --logits, " : "") +
                    "lower --batch-size or --image-size, or try it all the same with --no-memory-check");
}

void check_memory(const MemoryEstimate& estimate, std::size_t free) {
  const std::size_t more = estimate.total() - estimate.weights;  // the weights are there already
  engine::check(
      more <= free, "the run needs about", megabytes(more), "more memory while",
      estimate.in_scoring ? "scoring" : "training", "(" + estimate.text() + "), and", megabytes(free),
      "are free; lower --batch-size or --image-size, or use --recompute mlp or blocks, or try it all the "
      "same with --no-memory-check");
}

}  // namespace training
