#include "tools/training/trainer.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "engine/autograd/backward.h"
#include "engine/base/phase.h"
#include "engine/base/stopwatch.h"
#include "engine/base/text.h"
#include "engine/ops/ops.h"
#include "engine/optim/clip.h"
#include "peft/delta.h"
#include "tools/training/depth.h"
#include "tools/training/evaluate.h"
#include "tools/training/losses.h"
#include "tools/training/next_batch.h"
#include "tools/training/patch_drop.h"
#include "tools/training/prefix/cut.h"

namespace training {

using engine::Phase;
using engine::PhaseTimer;
using engine::Tensor;

namespace {

data::LoaderOptions loader_options(const Run& run, const TrainConfig& c, bool images) {
  return {.preprocessing = run.loaded.preprocessing,
          .batch_size = c.batch_size,
          .drop_last = true,
          .shuffle = !c.no_shuffle,
          .seed = static_cast<std::uint64_t>(c.model.seed),
          .augmentation = c.augment,
          .variants = c.augment_copies,
          .views = 1,
          .mixup = c.mixup,
          .cutmix = c.cutmix,
          .classes = run.loaded.model.config().classes,
          .images = images,
          .workers = static_cast<int>(c.workers)};
}

/// Puts the averages in the model for as long as it lives.
class WithAverages {
 public:
  explicit WithAverages(std::optional<engine::Ema>& ema) : ema_(ema) { swap(); }
  ~WithAverages() { swap(); }
  WithAverages(const WithAverages&) = delete;

 private:
  void swap() {
    if (ema_) ema_->swap();
  }
  std::optional<engine::Ema>& ema_;
};

/// They differ when anything trains that did not, or the other way round.
std::vector<std::uint64_t> versions(const std::vector<engine::NamedParameter>& parameters) {
  std::vector<std::uint64_t> all;
  for (const auto& [name, parameter] : parameters) all.push_back(parameter.version());
  return all;
}

}  // namespace

namespace {

void note_long_warmup(const TrainConfig& config, Index steps, Index steps_per_epoch, const Events& events) {
  if (config.warmup_epochs * static_cast<double>(steps_per_epoch) <= static_cast<double>(steps)) return;
  events.on_note(engine::say("note: --warmup-epochs", config.warmup_epochs, "is longer than", steps,
                             "steps: the rate rises to the last of them"));
}

}  // namespace

Trainer::Trainer(Run& run, const TrainConfig& config, Events events, KnownActivations known)
    : model_(run.loaded.model),
      loaded_(run.loaded),
      method_(*run.method),
      splits_(run.splits),
      config_(config),
      events_(std::move(events)),
      known_(std::move(known)),
      loader_(run.images, loader_options(run, config_, !known_.trained_on)),
      epoch_steps_(config_.epoch_steps(run.images->size())),
      steps_(config_.total_steps(epoch_steps_.count())),
      parameters_(engine::parameters(model_)),
      optimizer_(config_.make_optimizer(parameters_)) {
  Index first = 0;
  for (const peft::Stage& stage : method_.stages(steps_)) {
    engine::Schedule schedule = config_.make_schedule(stage.steps, epoch_steps_.count());
    note_long_warmup(config_, stage.steps, epoch_steps_.count(), events_);
    schedule.lr *= stage.lr_factor, schedule.min_lr *= stage.lr_factor;
    stages_.push_back({first, schedule});
    first += stage.steps;
  }
  optimizer_->scale_rates(
      [&](const std::string& name) { return depth_rate(name, model_.config().depth, config_.layer_decay); });
  if (config_.class_weights == "balanced") class_weights_ = balanced_weights(*run.images, run.splits.classes);
  if (config_.ema > 0) ema_.emplace(parameters_, config_.ema);
}

void Trainer::resume(const Checkpoint& checkpoint) {
  checkpoint.restore(*optimizer_, ema_ ? &*ema_ : nullptr);
  state_ = checkpoint.state();
  engine::check(state_.step <= steps_, checkpoint.path() + ": the checkpoint is of step", state_.step,
                "of a run of",
                std::to_string(steps_) + "; it is of another run: start over with --overwrite");
  check_best(checkpoint.path() + ": the checkpoint");
}

void Trainer::check_best(const std::string& who) const {
  if (state_.best.empty()) return;
  engine::check(
      config_.keep == "best", who,
      "holds the best weights, but the run keeps the last; it is of another run: start over with --overwrite");
  const engine::NamedTensors now = peft::delta_of(model_, method_.moved(model_));
  const std::map<std::string, Tensor> best(state_.best.begin(), state_.best.end());
  for (const auto& [name, tensor] : now) {
    const auto found = best.find(name);
    engine::check(found != best.end() && found->second.shape() == tensor.shape() &&
                      found->second.dtype() == tensor.dtype(),
                  who + "'s best weights lack", name, "in the shape", tensor.shape());
  }
  engine::check(best.size() == now.size(), who + "'s best weights hold", best.size(),
                "tensors, but this run trains", now.size());
}

void Trainer::save() const {
  const PhaseTimer timer(Phase::save);
  events_.on_checkpoint({model_, method_, *optimizer_, ema_ ? &*ema_ : nullptr, state_});
}

void Trainer::stop_unless_finite(Index step, double value, const std::string& what,
                                 const std::vector<std::string>& images) {
  if (std::isfinite(value)) return;
  for (const auto& [name, parameter] : parameters_) parameter.grad() = {};
  // The optimizer's state is still that of what trained before.
  if (is_sound() && method_.traits().selection_is_fixed && !selection_changed_) save();
  diverged(engine::say("the", what, "of step", step, "is", value), images);
}

std::string Trainer::bad_gradient() const {
  for (const auto& [name, parameter] : parameters_) {
    if (!parameter.grad().defined()) continue;
    const auto g = parameter.grad().data<float>();
    if (!std::ranges::all_of(g, [](float x) { return std::isfinite(x); })) return " of " + name;
  }
  return "";  // only their squares overflow
}

void Trainer::diverged(const std::string& complaint, const std::vector<std::string>& images) const {
  throw Diverged(complaint + "; its images are " + engine::join(images, ", "));
}

bool Trainer::is_sound() const {
  for (const auto& [name, parameter] : parameters_) {
    if (!parameter.trains().any()) continue;
    const bool whole = parameter.trains().whole();
    const Tensor part = whole ? parameter.value() : parameter.trains().gather(parameter.value());
    if (!std::ranges::all_of(part.data<float>(), [](float x) { return std::isfinite(x); })) return false;
  }
  return true;
}

double Trainer::rate_at(Index step) const {
  const auto next = std::ranges::upper_bound(stages_, step, {}, &Stage::first);
  const Stage& stage = *std::prev(next);
  return stage.schedule.at(step - stage.first);
}

Trainer::Loss Trainer::gradients(Index step, Index epoch, std::vector<std::string>& images) {
  const TrainConfig& c = config_;
  const Index batches = epoch_steps_.batches_of(step);
  Loss total;
  for (Index i = 0; i < batches; ++i) {
    const auto batch = next_batch(loader_);
    const PhaseTimer timer(Phase::step);
    engine::check(batch.has_value(), "the images ran out in epoch", epoch);
    images.insert(images.end(), batch->names.begin(), batch->names.end());
    const auto seed = static_cast<std::uint64_t>(c.model.seed);
    const PatchDrop patches{c.patch_drop, seed};
    const models::Dropped drop{
        .paths = {c.drop_path, seed, static_cast<std::uint64_t>(step * epoch_steps_.most() + i)},
        .patches = patches.kept(batch->samples, epoch, model_.config().patches())};
    const auto loss_of_batch = [&] {
      const Tensor logits = logits_of(model_, *batch, known_.trained_on.get(), drop);
      const Tensor loss = cross_entropy_loss(logits, *batch, c.label_smoothing, class_weights_);
      stop_unless_finite(step, loss.item(), "loss", images);
      return loss;
    };
    if (i == 0) {
      const std::vector<std::uint64_t> before = versions(parameters_);
      method_.begin_step(model_,
                         {step, steps_, epoch_steps_.count(), rate_at(step), loss_of_batch, *optimizer_});
      apply_depth(model_, c);
      selection_changed_ = versions(parameters_) != before;
      if (selection_changed_) check_known();
    }
    const Tensor loss = loss_of_batch();
    total.loss += loss.item() / static_cast<double>(batches);
    engine::backward(batches == 1 ? loss : engine::scale(loss, 1.0 / static_cast<double>(batches)));
  }
  total.penalty = method_.regularize(parameters_);
  return total;
}

void Trainer::check_known() const {
  for (const auto& known : {known_.trained_on, known_.val, known_.test})
    engine::check(!known || known->cut() <= highest_cut(model_), "method", config_.method,
                  "trains what activations were kept of, which its traits do not say");
}

double Trainer::take_step(Index step, Index epoch) {
  const engine::Stopwatch watch;
  std::vector<std::string> images;
  const Loss loss = gradients(step, epoch, images);
  const PhaseTimer timer(Phase::step);
  const double most = config_.clip > 0 ? config_.clip : std::numeric_limits<double>::infinity();
  const double norm = engine::clip_gradients(parameters_, most);
  if (!std::isfinite(norm)) stop_unless_finite(step, norm, "gradient" + bad_gradient(), images);
  const double lr = rate_at(step);
  optimizer_->step(lr);
  // Nothing is saved: the step has already spoilt the weights.
  if (!is_sound()) diverged(engine::say("a weight after step", step, "is not finite"), images);
  if (ema_) ema_->update();
  state_.step = step + 1;
  events_.on_step({.step = step,
                   .steps = steps_,
                   .epoch = epoch,
                   .loss = loss.loss,
                   .penalty = loss.penalty,
                   .lr = lr,
                   .images_per_s = static_cast<double>(images.size()) / watch.seconds()});
  return loss.loss;
}

void Trainer::keep_best(double top1) {
  if (config_.keep != "best" || top1 <= state_.best_top1) return;
  state_.best_top1 = top1;
  state_.best.clear();
  for (const auto& [name, tensor] : peft::delta_of(model_, method_.moved(model_)))
    state_.best.emplace_back(name, tensor.clone());
}

void Trainer::put_back_best() {
  const std::map<std::string, Tensor> best(state_.best.begin(), state_.best.end());
  if (best.empty()) return;
  const peft::PartsByName moved = method_.moved(model_);
  for (const auto& [name, parameter] : parameters_) {
    const auto found = moved.find(name);
    if (found == moved.end()) continue;
    const engine::Selection& part = found->second;
    part.scatter(best.at(part.whole() ? name : name + ".values"), parameter.value());
  }
}

/// One that is not `due` decides nothing.
void Trainer::evaluate_val(Index epoch, bool due) {
  if (!splits_.val || config_.on != "train") return;
  const std::vector<Index> map = match_classes(splits_.classes, loaded_.classes, model_.config().classes);
  const EvaluateOptions how{config_.batch_size, static_cast<int>(config_.workers), "", known_.val};
  Evaluation e;
  {
    const WithAverages averages(ema_);
    Evaluator evaluator(splits_.classes, map, model_.config().classes);
    e = evaluate_split(model_, splits_.val, loaded_.preprocessing, evaluator, map, how, events_);
    if (due) keep_best(e.top1);
  }
  events_.on_eval({.epoch = epoch, .step = state_.step, .split = "val", .result = e});
  last_top1_ = " val " + engine::fixed(e.top1, 1) + " %";
}

void Trainer::train_epoch(Index epoch, ProgressReport& progress) {
  const Index end = std::min(steps_, (epoch + 1) * epoch_steps_.count());
  loader_.start(epoch, epoch_steps_.first_batch(state_.step));
  while (state_.step < end) {
    const double loss = take_step(state_.step, epoch);
    progress.advance("loss " + engine::fixed(loss, 4) + last_top1_);
    const bool due = config_.save_every > 0 && state_.step % config_.save_every == 0;
    const bool stop = events_.stop();
    // The last state is saved when it is evaluated, so that a resumed run need not evaluate again.
    if (stop || (due && state_.step < end)) save();
    if (stop) throw Stopped(engine::say("after step", state_.step), Stopped::Kept::state);
  }
}

bool Trainer::evaluation_is_due() const {
  const bool end = state_.step == steps_ || state_.step % epoch_steps_.count() == 0;
  return end && state_.evaluated < state_.step;
}

void Trainer::finish_epoch(Index epoch, bool pauses) {
  const bool last = state_.step == steps_, due = last || (epoch + 1) % config_.eval_every == 0;
  try {
    if (due || pauses) evaluate_val(epoch, due);
  } catch (const Stopped&) {
    save();
    throw Stopped(engine::say("while evaluating epoch", epoch), Stopped::Kept::state);
  }
  state_.evaluated = state_.step;
  const Index every = config_.save_every;
  if (last || pauses || every == 0 || state_.step % every == 0) save();
}

void Trainer::train(Index pause_at) {
  const Index end = std::min(pause_at, steps_);
  // Nobody knows whether it was evaluated there when that was not due.
  if (end < steps_ && state_.step == end) state_.evaluated = std::min(state_.evaluated, end - 1);
  const Index images_per_step = config_.batch_size * epoch_steps_.batches() / epoch_steps_.count();
  ProgressReport progress(events_, "tune", std::max<Index>(0, end - state_.step), images_per_step);
  while (true) {
    if (evaluation_is_due()) finish_epoch(epoch_steps_.epoch_of(state_.step - 1), state_.step == end);
    if (state_.step >= end) break;
    train_epoch(epoch_steps_.epoch_of(state_.step), progress);
  }
  if (ema_) ema_->swap();
  put_back_best();
}

}  // namespace training
