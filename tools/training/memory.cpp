#include "tools/training/memory.h"

#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <limits>

#include "engine/autograd/backward.h"
#include "engine/base/text.h"
#include "engine/ops/ops.h"
#include "peft/target.h"
#include "tools/training/depth.h"
#include "tools/training/pretrained/at_image_size.h"

namespace training {

using engine::Tensor;

namespace {

constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

/// Bytes that buffers grow by in a forward and a backward pass with `count` images.
std::size_t pass_growth(models::Vit& model, Index count) {
  const models::VitConfig& c = model.config();
  const Tensor images = Tensor::zeros({count, c.channels, c.image_size, c.image_size});
  const Growth growth;
  const std::vector<Index> labels(static_cast<std::size_t>(count), 0);
  engine::backward(engine::cross_entropy(model(images), engine::one_hot(labels, c.classes)));
  return growth.most();
}

/// The same for any number of images.
std::size_t foretold_growth(models::Vit& model, Index count) {
  const std::size_t one = pass_growth(model, 1);
  engine::Module& all = model;
  for (const auto& p : engine::parameters(all)) p.parameter.grad() = {};
  const std::size_t three = pass_growth(model, 3);
  for (const auto& p : engine::parameters(all)) p.parameter.grad() = {};
  const std::size_t each = three > one ? (three - one) / 2 : 0;
  return one + each * static_cast<std::size_t>(count - 1);
}

std::size_t trained_bytes(models::Vit& model) {
  std::size_t bytes = 0;
  for (const auto& p : engine::parameters(model))
    bytes += gradient_bytes(p.parameter.trains(), p.parameter.value().shape());
  return bytes;
}

/// How many packed copies of what trains the optimizer keeps.
std::size_t moments(const TrainConfig& options) {
  if (options.optimizer == "sgd") return options.momentum > 0 ? 1 : 0;
  return 2;
}

/// A number of bytes in a file that holds nothing else; no limit when there is none.
std::size_t number_in(const std::string& path) {
  std::ifstream file(path);
  std::size_t bytes = 0;
  return file >> bytes ? bytes : kNoLimit;
}

/// Of the system: /proc/meminfo gives kB.
std::size_t available() {
  std::ifstream file("/proc/meminfo");
  for (std::string key; file >> key;) {
    std::size_t kilobytes = 0;
    if (key == "MemAvailable:" && file >> kilobytes) return kilobytes * 1024;
  }
  return kNoLimit;
}

/// What the control group (version 2) leaves.
std::size_t left_in_group() {
  std::ifstream file("/proc/self/cgroup");
  std::string line;
  if (!std::getline(file, line) || !line.starts_with("0::")) return kNoLimit;
  const std::string folder = "/sys/fs/cgroup" + line.substr(3);
  const std::size_t most = number_in(folder + "/memory.max"), now = number_in(folder + "/memory.current");
  return most == kNoLimit || now == kNoLimit ? kNoLimit : most - std::min(most, now);
}

/// What a limit of the process leaves, of which it has taken `now`.
std::size_t left_of(int resource, std::size_t now) {
  rlimit limit{};
  if (::getrlimit(static_cast<__rlimit_resource_t>(resource), &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return kNoLimit;
  return limit.rlim_cur - std::min<std::size_t>(limit.rlim_cur, now);
}

/// Of the process, from /proc/self/status, which gives kB.
std::size_t status_bytes(const std::string& wanted) {
  std::ifstream file("/proc/self/status");
  for (std::string key; file >> key;) {
    std::size_t kilobytes = 0;
    if (key == wanted && file >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

std::string megabytes(std::size_t bytes) {
  return engine::fixed(static_cast<double>(bytes) / 1e6, 0) + " MB";
}

}  // namespace

std::string MemoryForecast::text() const {
  return engine::say(
      "weights",
      megabytes(weights) + (copies > 0 ? ", copies of them " + megabytes(copies) : "") + ", gradients",
      megabytes(gradients) + ", optimizer", megabytes(optimizer) + ", activations",
      megabytes(activations) + ", images", megabytes(images) + ", program", megabytes(program) + "; together",
      megabytes(total()));
}

std::size_t gradient_bytes(const engine::Selection& form, const engine::Shape& full) {
  const bool folded = std::holds_alternative<engine::Selection::Folded>(form.kind());
  const std::size_t each = sizeof(float) + (folded ? sizeof(Index) : 0);
  return static_cast<std::size_t>(form.packed(full).numel()) * each;
}

MemoryForecast forecast(Job& job, const TrainConfig& options) {
  models::Vit& model = job.loaded.model;
  MemoryForecast plan;
  for (const auto& p : engine::parameters(model)) plan.weights += p.parameter.value().bytes();

  const peft::Scoring* scoring = job.method->scoring();
  const bool stacked = scoring && scoring->loss == peft::Scoring::Loss::supcon && scoring->augment;
  const models::VitConfig& c = model.config();
  // Of the images to learn from five batches at most are in the making, waiting and in use; then as many to
  // be judged.
  const auto held = [&](const data::Dataset* images) {
    return images ? std::min(5 * options.batch_size, images->size()) : 0;
  };
  const auto bytes = [&](Index images, Index side) {
    return static_cast<std::size_t>(images * c.channels * side * side) * sizeof(float);
  };
  const Index learnt = held(job.images.get()), scored_size = scoring ? scoring->image_size : 0;
  plan.images = std::max(bytes(learnt, c.image_size),
                         bytes(learnt * (stacked ? 2 : 1), scored_size > 0 ? scored_size : c.image_size)) +
                bytes(held(job.splits.val.get()), c.image_size);

  job.method->prepare(model, {});
  apply_depth(model, options);
  const peft::Method::ExtraMemory later = job.method->extra_memory();
  if (later.all_train) {
    for (const auto& p : engine::parameters(model)) p.parameter.train(engine::Selection::all());
  }
  plan.copies = static_cast<std::size_t>(later.copies) * plan.weights;
  const std::size_t trained = trained_bytes(model);
  plan.gradients = trained;
  plan.optimizer = trained * (moments(options) + (options.ema > 0 ? 1 : 0));
  const std::size_t grown = foretold_growth(model, options.batch_size);
  plan.activations = grown - std::min(grown, trained);
  if (!scoring) return plan;

  for (const auto& p : engine::parameters(model)) p.parameter.freeze();
  for (const auto& choice : job.method->choices()) {
    for (const auto& p : engine::parameters(model)) {
      if (p.name != choice.parameter) continue;
      p.parameter.train(job.method->scored_form(p));
    }
  }
  const std::size_t scored = trained_bytes(model);
  const AtImageSize at(model, scored_size);
  const std::size_t growth = foretold_growth(model, options.batch_size * (stacked ? 2 : 1));
  if (scored + growth > plan.gradients + plan.optimizer + plan.activations) {
    plan.gradients = scored, plan.optimizer = 0, plan.activations = growth - std::min(growth, scored);
    plan.in_scoring = true;
  }
  return plan;
}

std::size_t free_memory() {
  return std::min({available(), left_in_group(), left_of(RLIMIT_AS, status_bytes("VmSize:")),
                   left_of(RLIMIT_DATA, status_bytes("VmData:"))});
}

void check_memory(const MemoryForecast& forecast, std::size_t free) {
  const std::size_t more = forecast.total() - forecast.weights;  // the weights are there already
  engine::check(
      more <= free, "the run needs about", megabytes(more), "more memory while",
      forecast.in_scoring ? "scoring" : "training", "(" + forecast.text() + "), and", megabytes(free),
      "are free; lower --batch-size or --image-size, or use --recompute mlp or blocks, or try it all the "
      "same with --no-memory-check");
}

}  // namespace training
