#include "tools/cli/bench_job.h"

#include <numeric>
#include <optional>
#include <utility>

#include "engine/autograd/backward.h"
#include "engine/base/op_timer.h"
#include "engine/ops/ops.h"
#include "engine/tensor/random.h"
#include "models/positions.h"
#include "models/zoo.h"
#include "tools/training/depth.h"
#include "tools/training/losses.h"
#include "tools/training/memory_estimate.h"
#include "tools/training/patch_drop.h"
#include "tools/training/usage_error.h"

namespace cli {

using engine::Phase;
using engine::PhaseTimer;
using engine::Tensor;
using peft::Scoring;

namespace {

constexpr double kLr = 1e-3;
constexpr Index kChoosingImages = 2;  // enough for gradients that differ from unit to unit

models::VitConfig config_of(const BenchOptions& options) {
  return training::as_usage([&] {
    models::VitConfig config = models::architecture(options.arch);
    config.classes = options.classes;
    if (options.image_size != data::ImageSize())
      config = models::at_image_size(config, options.image_size.height, options.image_size.width);
    models::check_config(config);
    return config;
  });
}

/// A model with random weights, and batches of random images for it.
struct Setup {
  explicit Setup(const BenchOptions& options)
      : model(config_of(options)),
        seed(options.seed),
        patch_drop{options.patch_drop, static_cast<std::uint64_t>(seed)} {
    models::initialize(model, static_cast<std::uint64_t>(seed));
    model.recompute(models::recompute_named(options.recompute));
  }

  Tensor images(Index count) const {
    engine::Random random(static_cast<std::uint64_t>(seed), engine::Random::Use::test);
    const models::VitConfig& c = model.config();
    return engine::normal({count, c.channels, c.image_height, c.image_width}, random, 1);
  }

  /// Every class in turn, `run` images of each.
  std::vector<Index> labels(Index count, Index run = 1) const {
    std::vector<Index> labels;
    for (Index i = 0; i < count; ++i) labels.push_back(i / run % model.config().classes);
    return labels;
  }

  /// What a pass with `views` views of `count` images leaves out.
  models::Dropped dropped(Index count, Index views = 1) const {
    std::vector<Index> samples(static_cast<std::size_t>(count));
    std::iota(samples.begin(), samples.end(), Index{0});
    return {.patches = patch_drop.kept(samples, 0, model.config().patches(), views)};
  }

  Tensor targets(Index count) const { return engine::one_hot(labels(count), model.config().classes); }

  models::Vit model;
  Index seed;
  training::PatchDrop patch_drop;
};

std::unique_ptr<peft::Method> method_of(const BenchOptions& options, models::Vit& model) {
  auto method = training::as_usage([&] { return training::make_method(options.config); });
  training::check_method(*method, model, options.config);
  return method;
}

std::size_t weight_bytes(models::Vit& model) {
  std::size_t bytes = 0;
  for (const auto& [name, parameter] : engine::parameters(model)) bytes += parameter.value().bytes();
  return bytes;
}

class InferJob : public BenchJob {
 public:
  explicit InferJob(const BenchOptions& options) : setup_(options), images_(setup_.images(options.batch)) {
    planned_.weights = weight_bytes(setup_.model);
    engine::pack_weights(setup_.model);
  }

  void pass() override {
    const engine::NoGrad no_grad;
    const training::Growth growth;
    const PhaseTimer timer(Phase::forward);
    setup_.model(images_);
    planned_.activations = growth.most();
  }
  std::vector<std::pair<std::string, Phase>> phases() const override { return {{"forward", Phase::forward}}; }
  PlannedBytes planned() const override { return planned_; }

 private:
  Setup setup_;
  Tensor images_;
  PlannedBytes planned_;
};

class StepJob : public BenchJob {
 public:
  explicit StepJob(const BenchOptions& options) : setup_(options) {
    method_ = method_of(options, setup_.model);
    prepare();
    training::apply_depth(setup_.model, options.config);
    images_ = setup_.images(options.batch);
    targets_ = setup_.targets(options.batch);
    parameters_ = engine::parameters(setup_.model);
    optimizer_ = engine::make_adam(parameters_, {});
  }

  void pass() override {
    const training::Growth growth;
    Tensor loss;
    {
      const PhaseTimer timer(Phase::forward);
      loss = engine::cross_entropy(setup_.model(images_, setup_.dropped(images_.shape()[0])), targets_);
    }
    {
      const PhaseTimer timer(Phase::backward);
      engine::backward(loss);
    }
    planned_.activations = growth.most();
    {
      const PhaseTimer timer(Phase::penalty);
      const engine::OpTimer op([] { return engine::OpWork{"penalty"}; });
      method_->regularize(parameters_);
    }
    planned_.gradients = 0;
    for (const auto& [name, parameter] : parameters_)
      if (parameter.grad().defined()) planned_.gradients += parameter.grad().bytes();
    {
      const PhaseTimer timer(Phase::optimizer);
      optimizer_->step(kLr);
    }
    planned_.optimizer = optimizer_->bytes();
    planned_.weights = weight_bytes(setup_.model);
  }
  std::vector<std::pair<std::string, Phase>> phases() const override {
    return {{"forward", Phase::forward},
            {"backward", Phase::backward},
            {"weight_gradients", Phase::weight_gradients},
            {"penalty", Phase::penalty},
            {"optimizer", Phase::optimizer}};
  }
  PlannedBytes planned() const override { return planned_; }

 private:
  /// Without a loss ties would decide, and what trains would stand side by side.
  void prepare() {
    if (!method_->scoring()) return method_->prepare(setup_.model, {});
    bool drawn = false;
    const auto loss = [&] {
      return engine::cross_entropy(setup_.model(setup_.images(kChoosingImages)),
                                   setup_.targets(kChoosingImages));
    };
    const auto next = [&] { return std::exchange(drawn, true) ? Tensor() : loss(); };
    method_->prepare(setup_.model, {next, loss});
  }

  Setup setup_;
  std::unique_ptr<peft::Method> method_;
  Tensor images_, targets_;
  std::vector<engine::NamedParameter> parameters_;
  std::unique_ptr<engine::Optimizer> optimizer_;
  PlannedBytes planned_;
};

class ScoreJob : public BenchJob {
 public:
  explicit ScoreJob(const BenchOptions& options)
      : setup_(options), method_(method_of(options, setup_.model)), batch_(options.batch) {
    if (!method_->scoring())
      throw training::UsageError("bench score: method " + options.config.method +
                                 " does not select by gradients; grft, gps and sift do");
    const Index least = stacked_views() ? 3 : contrasts() ? 2 : 1;  // with one alone the loss is zero
    if (batch_ < least)
      throw training::UsageError(
          engine::say("bench score: two images to tell apart need --batch", least, "or more with this loss"));
    images_ = setup_.images(batch_);
  }

  void pass() override {
    const training::Growth growth;
    std::optional<PhaseTimer> timer;
    std::optional<engine::OpTimer> selection;
    bool drawn = false;
    // The method asks for the first loss before its backward pass, and for another one behind it.
    const auto next = [&]() -> Tensor {
      if (std::exchange(drawn, true)) {
        timer.reset();
        planned_.activations = growth.most();
        timer.emplace(Phase::select);
        selection.emplace([] { return engine::OpWork{"selection"}; });
        return {};
      }
      timer.emplace(Phase::forward);
      const Tensor loss = this->loss();
      timer.reset();
      timer.emplace(Phase::backward);
      return loss;
    };
    method_->prepare(setup_.model, {next, [this] { return loss(); }});
    selection.reset();
    timer.reset();
    planned_.weights = weight_bytes(setup_.model);
    planned_.gradients = scored_bytes();
  }
  std::vector<std::pair<std::string, Phase>> phases() const override {
    return {{"forward", Phase::forward},
            {"backward", Phase::backward},
            {"weight_gradients", Phase::weight_gradients},
            {"select", Phase::select}};
  }
  PlannedBytes planned() const override { return planned_; }

 private:
  bool contrasts() const { return method_->scoring()->loss == Scoring::Loss::supcon; }
  bool stacked_views() const { return contrasts() && method_->scoring()->augment; }

  Tensor loss() {
    if (!contrasts())
      return engine::cross_entropy(setup_.model(images_, setup_.dropped(batch_)), setup_.targets(batch_));
    const double temperature = method_->scoring()->temperature;
    if (!stacked_views()) {
      data::Batch batch;
      batch.images = images_, batch.labels = setup_.labels(batch_);
      return training::contrastive_loss(setup_.model, batch, false, temperature,
                                        setup_.dropped(batch_, 2).patches);
    }
    // Neighbours are views.
    return engine::sup_con(engine::normalize_rows(setup_.model.features(images_, setup_.dropped(batch_))),
                           setup_.labels(batch_, 2), temperature);
  }

  std::size_t scored_bytes() {
    std::map<std::string, std::size_t> bytes;
    for (const engine::NamedParameter& p : engine::parameters(setup_.model))
      bytes[p.name] = training::gradient_bytes(method_->scoring()->form_of(p), p.parameter.value().shape());
    std::size_t all = 0;
    for (const peft::Choice& choice : method_->choices()) all += bytes.at(choice.parameter);
    return all;
  }

  Setup setup_;
  std::unique_ptr<peft::Method> method_;
  Index batch_;
  Tensor images_;
  PlannedBytes planned_;
};

}  // namespace

std::unique_ptr<BenchJob> make_infer_job(const BenchOptions& options) {
  return std::make_unique<InferJob>(options);
}
std::unique_ptr<BenchJob> make_step_job(const BenchOptions& options) {
  return std::make_unique<StepJob>(options);
}
std::unique_ptr<BenchJob> make_score_job(const BenchOptions& options) {
  return std::make_unique<ScoreJob>(options);
}

}  // namespace cli
