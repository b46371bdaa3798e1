#include "tools/training/train_config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>

#include "engine/base/read_value.h"
#include "engine/base/text.h"
#include "models/zoo.h"
#include "peft/methods.h"
#include "tools/training/usage_error.h"

namespace training {

using data::Preprocessing;

namespace {

std::array<float, 3> three_numbers(const std::string& text, const std::string& option) {
  const std::vector<std::string> parts = engine::split(text, ',');
  if (parts.size() != 3) throw UsageError(option + " takes three numbers a,b,c, not '" + text + "'");
  std::array<float, 3> values{};
  for (std::size_t i = 0; i < 3; ++i) values[i] = static_cast<float>(engine::parse_number(parts[i], option));
  return values;
}

/// Puts what the source sets in the place of what `how` has.
void override_with(const ModelSource& source, Preprocessing& how) {
  as_usage([&] {
    if (!source.mean.empty()) how.mean = three_numbers(source.mean, "--mean");
    if (!source.std.empty()) how.std = three_numbers(source.std, "--std");
    if (!source.interpolation.empty()) how.filter = data::filter_named(source.interpolation);
    if (!source.resize.empty()) how.mode = data::mode_named(source.resize);
    data::check_preprocessing(how);
  });
}

}  // namespace

void ModelSource::check() const {
  if (model.empty() && arch.empty())
    throw UsageError("a model is needed: --model PATH, or --arch NAME for random weights");
  if (!model.empty() && !arch.empty())
    throw UsageError("--model and --arch exclude each other: the architecture comes from the checkpoint");
  Preprocessing how;
  override_with(*this, how);
  if (!arch.empty()) as_usage([&] { models::architecture(arch); });
}

Preprocessing ModelSource::preprocessing(const std::optional<Preprocessing>& stored, Index size) const {
  Preprocessing how = stored.value_or(Preprocessing{});
  how.size = size;
  override_with(*this, how);
  return how;
}

std::string DataSource::name() const {
  const std::filesystem::path path =
      data.empty() ? std::filesystem::path(data_root) : std::filesystem::path(data);
  const std::string last =
      std::filesystem::absolute(path / "x").lexically_normal().parent_path().filename().string();
  return last.empty() ? "data" : last;
}

void DataSource::check(const std::string& split) const {
  const bool lists = !(train_list + val_list + test_list).empty();
  if (lists == !data.empty())
    throw UsageError("data is needed, in one form: --data DIR, or --train-list FILE with --data-root DIR");
  if (lists && list_of(split).empty() && train_list.empty())
    throw UsageError("--" + split + "-list FILE is needed beside the other lists");
  if (lists && data_root.empty()) throw UsageError("lists of images need --data-root DIR");
  if (!lists && !data_root.empty())
    throw UsageError("--data-root goes with --train-list; --data DIR needs none");
}

const std::string& DataSource::list_of(const std::string& split) const {
  return split == "train" ? train_list : split == "val" ? val_list : test_list;
}

namespace {

/// The values that the command line would not take either, for those who set fields themselves.
void check_values(const TrainConfig& c) {
  const auto at_least = [](const char* option, Index value, Index lowest) {
    engine::check(value >= lowest, option, "takes", lowest, "or more, not", value);
  };
  at_least("--batch-size", c.batch_size, 1), at_least("--grad-accum", c.grad_accum, 1);
  at_least("--epochs", c.epochs, 1), at_least("--steps", c.steps, 0);
  at_least("--eval-every", c.eval_every, 1), at_least("--save-every", c.save_every, 0);
  at_least("--workers", c.workers, 0);
  at_least("--freeze-blocks", c.freeze_blocks, 0), at_least("--reinit-blocks", c.reinit_blocks, 0);
  const auto one_of = [](const char* option, const std::string& value,
                         const std::vector<std::string>& choices) {
    engine::read_choice(option, value, choices);
  };
  one_of("--optimizer", c.optimizer, {"sgd", "adam", "adamw"});
  one_of("--schedule", c.schedule, schedule_names());
  one_of("--on", c.on, {"train", "train+val"});
  one_of("--head", c.head, {"auto", "keep", "new"});
  one_of("--init-head", c.init_head, {"zeros", "trunc-normal"});
  one_of("--keep", c.keep, {"last", "best"});
  one_of("--on-bad-image", c.data.on_bad_image, {"error", "skip"});
  const auto in = [](const char* option, double value, const engine::NumberRange& range) {
    engine::check(std::isfinite(value) && range.contains(value), option, "takes",
                  range.words + std::string(", not"), value);
  };
  in("--lr", c.lr, engine::kPositive), in("--min-lr", c.min_lr, engine::kNonNegative);
  in("--momentum", c.momentum, engine::kBelowOne), in("--weight-decay", c.weight_decay, engine::kNonNegative);
  in("--warmup-epochs", c.warmup_epochs, engine::kNonNegative), in("--clip", c.clip, engine::kNonNegative);
  in("--label-smoothing", c.label_smoothing, engine::kBelowOne);
  in("--mixup", c.mixup, engine::kNonNegative), in("--cutmix", c.cutmix, engine::kNonNegative);
  in("--drop-path", c.drop_path, engine::kBelowOne), in("--ema", c.ema, engine::kBelowOne);
  in("--layer-decay", c.layer_decay, engine::kShare);
}

}  // namespace

void TrainConfig::check() const {
  model.check();
  data.check();
  as_usage([&] { check_values(*this); });
  if (keep == "best" && on == "train+val")
    throw UsageError("--keep best needs val to choose on, so --on train");
  if (momentum > 0 && optimizer != "sgd") throw UsageError("--momentum goes with --optimizer sgd");
  if (min_lr > lr) throw UsageError("--min-lr is above --lr");
  as_usage([&] {
    const bool fixed = peft::make_method(method, method_options)->traits().selection_is_fixed;
    engine::check(
        keep != "best" || fixed, "--keep best does not go with --method",
        method +
            ": it changes its selection while it trains, so that earlier weights cannot be put back; "
            "use --keep last");
    engine::check(reinit_blocks == 0 || fixed, "--reinit-blocks does not go with --method",
                  method + ": it changes its selection while it trains");
  });
}

bool TrainConfig::knows_features() const {
  return peft::make_method(method, method_options)->traits().trains_head_only && augment == "none" &&
         mixup == 0 && cutmix == 0 && drop_path == 0 && reinit_blocks == 0;
}

std::unique_ptr<engine::Optimizer> TrainConfig::make_optimizer(
    const std::vector<engine::NamedParameter>& all) const {
  if (optimizer == "sgd") return engine::make_sgd(all, {.momentum = momentum, .weight_decay = weight_decay});
  return engine::make_adam(all, {.weight_decay = weight_decay, .decoupled = optimizer == "adamw"});
}

Index TrainConfig::total_steps(Index steps_per_epoch) const {
  return steps > 0 ? steps : epochs * steps_per_epoch;
}

engine::Schedule TrainConfig::make_schedule(Index total, Index steps_per_epoch) const {
  engine::Schedule s;
  const auto& names = schedule_names();
  s.kind = static_cast<engine::Schedule::Kind>(std::ranges::find(names, schedule) - names.begin());
  s.lr = lr, s.min_lr = min_lr;
  s.steps = total;
  s.warmup =
      std::lround(std::min(warmup_epochs * static_cast<double>(steps_per_epoch),
                           static_cast<double>(s.steps)));  // clamped before it is rounded: it may be 1e300
  return s;
}

const std::vector<std::string>& schedule_names() {
  static const std::vector<std::string> names{"constant", "cosine", "linear"};  // as engine::Schedule::Kind
  return names;
}

}  // namespace training
