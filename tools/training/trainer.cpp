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
#include "tools/cli/console.h"
#include "tools/cli/interrupt.h"
#include "tools/training/depth.h"

namespace training {

using engine::Phase;
using engine::PhaseTimer;
using engine::Tensor;

namespace {

data::LoaderOptions loader_options(const Trainer::Parts& p) {
  const TrainConfig& o = p.options;
  return {.preprocessing = p.loaded.preprocessing,
          .batch_size = o.batch_size,
          .drop_last = true,
          .shuffle = !o.no_shuffle,
          .seed = static_cast<std::uint64_t>(o.model.seed),
          .augmentation = o.augment,
          .views = 1,
          .mixup = o.mixup,
          .cutmix = o.cutmix,
          .classes = p.loaded.model.config().classes,
          .images = p.features.learnt.empty(),
          .workers = static_cast<int>(o.workers)};
}

constexpr const char* kGoOn = "; --resume goes on from there";

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

/// They tell whether anything trains that did not, or the other way round.
std::vector<std::uint64_t> versions(const std::vector<engine::NamedParameter>& parameters) {
  std::vector<std::uint64_t> all;
  for (const auto& [name, parameter] : parameters) all.push_back(parameter.version());
  return all;
}

/// The targets of a batch: soft ones from mixing, or the labels; smoothed.
Tensor targets_of(const data::Batch& batch, Index classes, double smoothing) {
  if (batch.targets.empty()) return engine::one_hot(batch.labels, classes, smoothing);
  Tensor targets = batch.targets.clone();
  for (float& t : targets.data<float>()) {
    t = static_cast<float>((1 - smoothing) * t + smoothing / static_cast<double>(classes));
  }
  return targets;
}

}  // namespace

Trainer::Trainer(const Parts& parts)
    : p_(parts),
      loader_(find_split(parts.splits, parts.options.on), loader_options(parts)),
      steps_per_epoch_(loader_.batches() / parts.options.grad_accum),
      steps_(parts.options.total_steps(std::max<Index>(1, steps_per_epoch_))),
      parameters_(engine::parameters(parts.loaded.model)),
      optimizer_(parts.options.make_optimizer(parameters_)) {
  Index first = 0;
  for (const peft::Stage& stage : p_.method.stages(steps_)) {
    engine::Schedule schedule = p_.options.make_schedule(stage.steps, steps_per_epoch_);
    schedule.lr *= stage.lr_factor, schedule.min_lr *= stage.lr_factor;
    stages_.push_back({first, schedule});
    first += stage.steps;
  }
  optimizer_->scale_rates([&](const std::string& name) {
    return depth_rate(name, p_.loaded.model.config().depth, p_.options.layer_decay);
  });
  if (p_.options.ema > 0) ema_.emplace(parameters_, p_.options.ema);
}

void Trainer::resume(const Checkpoint& checkpoint) {
  checkpoint.restore(*optimizer_, ema_ ? &*ema_ : nullptr);
  state_ = checkpoint.state();
}

void Trainer::save() const {
  const PhaseTimer timer(Phase::save);
  p_.folder.sync_log();  // never older than the checkpoint
  save_checkpoint(p_.folder, p_.loaded.model, p_.method, *optimizer_, ema_ ? &*ema_ : nullptr, state_,
                  p_.config);
}

void Trainer::check_finite(Index step, double value, const std::string& what,
                           const std::vector<std::string>& images) {
  if (std::isfinite(value)) return;
  for (const auto& [name, parameter] : parameters_) parameter.grad() = {};
  // The optimizer's state is still that of what trained before.
  if (is_sound() && p_.method.steady() && !chose_anew_) save();
  diverged(engine::say("the", what, "of step", step, "is", value), images);
}

std::string Trainer::bad_gradient() const {
  for (const auto& [name, parameter] : parameters_) {
    if (parameter.grad().empty()) continue;
    const auto g = parameter.grad().data<float>();
    if (!std::ranges::all_of(g, [](float x) { return std::isfinite(x); })) return " of " + name;
  }
  return "";  // only their squares overflow
}

void Trainer::diverged(const std::string& complaint, const std::vector<std::string>& images) const {
  throw engine::Error(engine::say(
      complaint + "; its images are", engine::join(images, ", ") + ".", "The last good state is kept in",
      p_.folder.file("checkpoint.safetensors").string() + "; a lower --lr or --clip may help"));
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
  const TrainConfig& o = p_.options;
  Loss total;
  for (Index i = 0; i < o.grad_accum; ++i) {
    const auto batch = next_batch(loader_);
    const PhaseTimer timer(Phase::step);
    engine::check(batch.has_value(), "the images ran out in epoch", epoch);
    images.insert(images.end(), batch->names.begin(), batch->names.end());
    const models::DropPath drop{o.drop_path, static_cast<std::uint64_t>(o.model.seed),
                                static_cast<std::uint64_t>(step * o.grad_accum + i)};
    const auto loss_of_batch = [&] {
      const Tensor logits = logits_of(p_.loaded.model, *batch, p_.features.learnt, drop);
      const Tensor loss =
          engine::cross_entropy(logits, targets_of(*batch, logits.shape()[1], o.label_smoothing));
      check_finite(step, loss.item(), "loss", images);
      return loss;
    };
    if (i == 0) {
      const std::vector<std::uint64_t> before = versions(parameters_);
      p_.method.begin_step(p_.loaded.model,
                           {step, steps_, steps_per_epoch_, rate_at(step), loss_of_batch, *optimizer_});
      apply_depth(p_.loaded.model, o);
      chose_anew_ = versions(parameters_) != before;
    }
    const Tensor loss = loss_of_batch();
    total.loss += loss.item() / static_cast<double>(o.grad_accum);
    engine::backward(o.grad_accum == 1 ? loss : engine::scale(loss, 1.0 / static_cast<double>(o.grad_accum)));
  }
  total.penalty = p_.method.regularize(parameters_);
  return total;
}

double Trainer::take_step(Index step, Index epoch) {
  const engine::Stopwatch watch;
  std::vector<std::string> images;
  const Loss loss = gradients(step, epoch, images);
  const PhaseTimer timer(Phase::step);
  const double most = p_.options.clip > 0 ? p_.options.clip : std::numeric_limits<double>::infinity();
  const double norm = engine::clip_gradients(parameters_, most);
  if (!std::isfinite(norm)) check_finite(step, norm, "gradient" + bad_gradient(), images);
  const double lr = rate_at(step);
  optimizer_->step(lr);
  // Nothing is saved: the step has already spoilt the numbers.
  if (!is_sound()) diverged(engine::say("a weight after step", step, "is not finite"), images);
  if (ema_) ema_->update();
  state_.step = step + 1;
  p_.folder.log({{"kind", "step"},
                 {"step", step},
                 {"epoch", epoch},
                 {"loss", loss.loss},
                 {"penalty", loss.penalty},
                 {"lr", lr},
                 {"images_per_s", static_cast<double>(images.size()) / watch.seconds()}});
  return loss.loss;
}

void Trainer::keep_best(double top1) {
  if (p_.options.keep != "best" || top1 <= state_.best_top1) return;
  state_.best_top1 = top1;
  state_.best.clear();
  for (const auto& [name, tensor] : peft::delta_of(p_.loaded.model, p_.method.moved(p_.loaded.model)))
    state_.best.emplace_back(name, tensor.clone());
}

void Trainer::put_back_best() {
  const std::map<std::string, Tensor> best(state_.best.begin(), state_.best.end());
  if (best.empty()) return;
  const peft::PartsByName moved = p_.method.moved(p_.loaded.model);
  for (const auto& [name, parameter] : parameters_) {
    const auto found = moved.find(name);
    if (found == moved.end()) continue;
    const engine::Selection& part = found->second;
    part.scatter(best.at(part.whole() ? name : name + ".values"), parameter.value());
  }
}

void Trainer::evaluate(Index epoch) {
  if (!p_.splits.val || p_.options.on != "train") return;
  const std::vector<Index> map =
      match_classes(p_.splits.classes, p_.loaded.classes, p_.loaded.model.config().classes);
  const EvaluateOptions how{p_.options.batch_size, static_cast<int>(p_.options.workers), "", p_.features.val};
  Evaluation e;
  {
    const WithAverages averages(ema_);
    e = judge(predict_split(p_.loaded.model, p_.splits.val, p_.loaded.preprocessing, map, how),
              p_.splits.classes, map);
    keep_best(e.top1);
  }
  p_.folder.log({{"kind", "eval"},
                 {"epoch", epoch},
                 {"split", "val"},
                 {"loss", e.loss},
                 {"top1", e.top1},
                 {"top5", e.top5},
                 {"step", state_.step}});
  judgement_ = " val " + engine::fixed(e.top1, 1) + " %";
}

void Trainer::train_epoch(Index epoch, cli::Progress& progress) {
  const Index done = state_.step % steps_per_epoch_;
  const Index end = std::min(steps_, (epoch + 1) * steps_per_epoch_);
  loader_.start(epoch, done * p_.options.grad_accum);
  while (state_.step < end) {
    const double loss = take_step(state_.step, epoch);
    progress.advance("loss " + engine::fixed(loss, 4) + judgement_);
    const bool due = p_.options.save_every > 0 && state_.step % p_.options.save_every == 0;
    // The last state is saved when it is judged, so that a resumed run need not judge again.
    if (cli::noted_signal() != 0 || (due && state_.step < end)) save();
    cli::check_interrupted(engine::say("after step", state_.step) + kGoOn);
  }
}

bool Trainer::judgement_is_due() const {
  const bool end = state_.step == steps_ || state_.step % steps_per_epoch_ == 0;
  return end && state_.judged < state_.step;
}

void Trainer::finish_epoch(Index epoch) {
  const bool last = state_.step == steps_;
  try {
    if (last || (epoch + 1) % p_.options.eval_every == 0) evaluate(epoch);
  } catch (const cli::Interrupted&) {
    save();
    cli::check_interrupted(engine::say("while judging epoch", epoch) + kGoOn);
  }
  state_.judged = state_.step;
  const Index every = p_.options.save_every;
  if (last || every == 0 || state_.step % every == 0) save();
}

void Trainer::run() {
  cli::Progress progress("tune", steps_ - state_.step, p_.options.batch_size * p_.options.grad_accum);
  while (true) {
    if (judgement_is_due()) finish_epoch((state_.step - 1) / steps_per_epoch_);
    if (state_.step == steps_) break;
    train_epoch(state_.step / steps_per_epoch_, progress);
  }
  if (ema_) ema_->swap();
  put_back_best();
}

}  // namespace training
