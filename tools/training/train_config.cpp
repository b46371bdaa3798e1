#include "tools/training/train_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>

#include "engine/base/text.h"
#include "engine/kernels/simd.h"
#include "models/zoo.h"
#include "peft/methods.h"
#include "tools/training/options/relations.h"
#include "tools/training/options/train_options.h"
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

/// "A-B".
engine::LayerRange block_range(const std::string& text) {
  engine::LayerRange range{0, 0};
  const char *const end = text.data() + text.size(), *const dash =
                                                         text.data() + std::min(text.find('-'), text.size());
  std::from_chars(text.data(), dash, range.first);
  if (dash != end) std::from_chars(dash + 1, end, range.last);
  // One spelling each: it is part of what identifies a run.
  if (range.first < 1 || range.last < range.first ||
      text != std::to_string(range.first) + '-' + std::to_string(range.last))
    throw UsageError(
        "--select-blocks takes A-B, the first and the last of the blocks, counted from 1, not '" + text +
        "'");
  return range;
}

/// Puts what the source sets in the place of what `how` has.
void override_with(const ModelSource& source, Preprocessing& how) {
  as_usage([&] {
    if (!source.mean.empty()) how.mean = three_numbers(source.mean, "--mean");
    if (!source.std.empty()) how.std = three_numbers(source.std, "--std");
    if (!source.interpolation.empty()) how.filter = data::filter_named(source.interpolation);
    if (!source.resize.empty()) how.mode = data::mode_named(source.resize);
    if (source.crop_pct != 0) how.crop_pct = source.crop_pct;
    if (source.exif_rotate) how.exif_rotate = *source.exif_rotate;
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

Preprocessing ModelSource::preprocessing(const std::optional<Preprocessing>& stored,
                                         data::ImageSize size) const {
  Preprocessing how = stored.value_or(Preprocessing{});
  how.size = size;
  override_with(*this, how);
  // A share of 1 cuts nothing out, as these modes.
  if (crop_pct != 0 && crop_pct != 1 && !data::cuts_out(how.mode)) {
    throw UsageError(
        engine::say("--crop-pct", crop_pct, "has no effect: images are resized to their size at once",
                    "(" + std::string(data::name_of(how.mode)) + "),",
                    stored ? "by what is stored with the weights;" : "as nothing says otherwise;",
                    "--resize crop cuts their centre out"));
  }
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
  const bool lists = has_lists();
  if (lists == !data.empty())
    throw UsageError("data is needed, in one form: --data DIR, or --train-list FILE with --data-root DIR");
  if (lists && list_of(split).empty() && train_list.empty())
    throw UsageError("--" + split + "-list FILE is needed beside the other lists");
  if (lists && data_root.empty()) throw UsageError("lists of images need --data-root DIR");
  if (val_split + test_split >= 1)
    throw UsageError(
        engine::say("--val-split", val_split, "and --test-split", test_split, "leave nothing to train on"));
  if (!lists && !data_root.empty())
    throw UsageError("--data-root goes with --train-list; --data DIR needs none");
}

std::string DataSource::root() const {
  if (data.empty()) return data_root;
  std::error_code error;
  if (!std::filesystem::is_regular_file(data, error)) return data;
  const std::string folder = std::filesystem::path(data).parent_path().string();
  return folder.empty() ? "." : folder;
}

const std::string& DataSource::list_of(const std::string& split) const {
  return split == "train" ? train_list : split == "val" ? val_list : test_list;
}

void TrainConfig::check() const {
  model.check();
  data.check();
  as_usage([&] {
    peft::make_method(method, method_options);
    TrainConfig copy;  // declared with the defaults, which the relations are judged by
    OptionTable table;
    declare_config(table, copy);
    copy = *this;
    check_values(table);
    check_relations(table);
  });
  layers();
  if (min_lr > lr) throw UsageError("--min-lr is above --lr");
}

bool TrainConfig::image_is_fixed() const {
  return (augment == "none" || augment_copies > 0) && mixup == 0 && cutmix == 0 && drop_path == 0 &&
         patch_drop == 0;
}

engine::LayerRange TrainConfig::layers() const {
  engine::LayerRange range;
  if (freeze_blocks > 0) range.first = freeze_blocks + 1;
  if (select_blocks.empty()) return range;
  const engine::LayerRange selected = block_range(select_blocks);
  if (selected.last < range.first)
    throw UsageError(engine::say("--freeze-blocks", freeze_blocks, "and --select-blocks", select_blocks,
                                 "leave nothing to choose from: all of these blocks are frozen"));
  return {std::max(range.first, selected.first), selected.last};
}

bool TrainConfig::knows_features() const {
  return peft::make_method(method, method_options)->traits().trains_head_only && image_is_fixed() &&
         reinit_blocks == 0;
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

const std::vector<std::string>& instruction_sets() {
  static const std::vector<std::string> names{"avx512", "avx2", "baseline"};
  return names;
}

void use_instruction_set(const std::string& name) {
  if (!name.empty() && !engine::kernels::use_simd(name))
    throw UsageError("--instruction-set " + name + ": this processor does not have it; it has " +
                     std::string(engine::kernels::simd_name()));
}

}  // namespace training
