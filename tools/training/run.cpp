#include "tools/training/run.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "engine/base/text.h"
#include "engine/io/in_quotes.h"
#include "engine/kernels/simd.h"
#include "models/positions.h"
#include "peft/delta.h"
#include "tools/training/depth.h"
#include "tools/training/json_field.h"
#include "tools/training/json_text.h"
#include "tools/training/losses.h"
#include "tools/training/pretrained/metadata.h"
#include "tools/training/usage_error.h"

namespace training {

using nlohmann::ordered_json;

namespace {

/// What is said where the model does not know all classes of the data whose number its head has.
std::string note_on_renamed(const std::vector<RenamedRow>& renamed, std::size_t classes) {
  constexpr std::size_t kNamed = 10;
  const std::string advice = "; --head new starts afresh";
  if (renamed.size() == classes)
    return "note: the head is kept though its classes have other names than the data's" + advice;
  std::vector<std::string> pairs;
  for (const RenamedRow& row : renamed) {
    if (pairs.size() == kNamed) break;
    pairs.push_back(engine::in_quotes(row.name) + " that of " + engine::in_quotes(row.before));
  }
  const std::string more = renamed.size() > kNamed ? ", ..." : "";
  return engine::say("note: the head is kept though the model does not know", renamed.size(), "of the",
                     classes, "classes: the others get the rows of their names,",
                     engine::join(pairs, ", ") + more + advice);
}

/// Keeps the checkpoint's head or puts a new one in its place, by --head.
void choose_head(LoadedModel& loaded, const data::Splits& splits, const TrainConfig& config,
                 const Events& events) {
  const Index classes = static_cast<Index>(splits.classes.size());
  const bool fits = loaded.has_head && loaded.no_softmax.empty() && loaded.model.config().classes == classes;
  if (config.head == "keep" && !loaded.no_softmax.empty())
    throw UsageError("--head keep: the head is no classifier by softmax: " + loaded.no_softmax);
  if (config.head == "keep" && !fits) {
    throw UsageError(engine::say("--head keep: the checkpoint has",
                                 loaded.has_head
                                     ? engine::say("a head of", loaded.model.config().classes, "classes,")
                                     : std::string("no head,"),
                                 "but the data has", classes, "classes; use --head new"));
  }
  if (loaded.has_head && !loaded.no_softmax.empty())
    events.on_note("note: the checkpoint's head is not kept: " + loaded.no_softmax);
  if (config.head == "new" || !fits) {
    new_head(loaded, classes, config.init_head, static_cast<std::uint64_t>(config.model.seed));
  } else if (config.init_head != TrainConfig().init_head) {
    throw UsageError("--init-head " + config.init_head +
                     ": the checkpoint's head fits the data and is kept, so that no head is initialised; "
                     "--head new makes one");
  } else if (!loaded.classes.empty()) {
    const std::vector<RenamedRow> renamed = order_head_by(loaded, splits.classes);
    if (!renamed.empty()) events.on_note(note_on_renamed(renamed, splits.classes.size()));
  }
  loaded.classes = splits.classes;
}

/// The images by the paths of their files. Folders have them so; a list may not.
std::shared_ptr<const data::Dataset> in_path_order(const std::shared_ptr<const data::Dataset>& images) {
  std::vector<std::string> paths;
  std::vector<Index> places;
  for (Index i = 0; i < images->size(); ++i) paths.push_back(images->file(i)), places.push_back(i);
  std::ranges::stable_sort(places, {},
                           [&](Index i) -> const std::string& { return paths[static_cast<std::size_t>(i)]; });
  return data::some_of(images, std::move(places));
}

/// Refuses at once what training would refuse after a long scoring.
void check_data(const Run& run, const TrainConfig& config) {
  const Index n = run.images->size(), batches = n / config.batch_size;
  for (const std::string& name : run.splits.classes) {
    engine::check(is_utf8(name), "the name of class", json_text(name),
                  "is not UTF-8, so that no delta can hold it; rename it");
  }
  engine::check(batches > 0, "the data has", n, "images to train on, too few for one batch of",
                std::to_string(config.batch_size) + "; a --batch-size of", n, "or less is needed");
  if (config.class_weights == "balanced") balanced_weights(*run.images, run.splits.classes);
  engine::check(config.keep != "best" || run.splits.val != nullptr,
                "--keep best needs a val split to choose on, and the data has none; use --keep last");
  engine::check(config.eval_every == TrainConfig().eval_every || run.splits.val != nullptr, "--eval-every",
                config.eval_every, "needs a val split to evaluate on, and the data has none; leave it out");
}

/// Refuses at once what scoring would refuse.
void check_scoring(const Run& run, const TrainConfig& options) {
  const peft::Scoring* scoring = run.method->scoring();
  if (!scoring) return;
  engine::check(scoring->loss != peft::Scoring::Loss::supcon || options.batch_size > 1,
                "--batch-size 1: the contrastive loss that method", options.method,
                "scores by compares the images of a batch and needs two at least; or use --score ce");
  if (scoring->image_size > 0)
    models::at_image_size(run.loaded.model.config(), scoring->image_size, scoring->image_size);
  const Index classes = static_cast<Index>(run.splits.classes.size());
  engine::check(scoring->classes <= classes, "--score-classes", scoring->classes, "is more than the", classes,
                "there are");
}

}  // namespace

Run open_run(const TrainConfig& config, const std::vector<std::string>& splits, const Events& events) {
  config.check();
  use_instruction_set(config.instruction_set);
  DataSource data = config.data;
  data.val_counts = config.on == "train+val";
  data.seed = config.model.seed;
  Run run{.loaded = load_model(config.model, events, config.head != "new"),
          .splits = {},
          .images = nullptr,
          .method = make_method(config)};
  data.note_orientation = config.model.passes_over_orientation(run.loaded.preprocessing);
  OpenedData opened = open_data_source(data, splits, config.workers, events);
  run.splits = std::move(opened.splits), run.listed = std::move(opened.listed);
  run.cut = std::move(opened.cut);
  run.contents = std::move(opened.contents), run.notes = std::move(opened.notes);
  run.base = identity_of(run.loaded);
  if (config.no_shuffle && !config.data.train_list.empty()) {
    for (auto* split : {&run.splits.train, &run.splits.val})
      if (*split) *split = in_path_order(*split);
  }
  run.images = find_split(run.splits, config.on);
  check_data(run, config);
  choose_head(run.loaded, run.splits, config, events);
  check_method(*run.method, run.loaded.model, config);
  reinitialize_blocks(run.loaded.model, config);
  run.loaded.model.recompute(models::recompute_named(config.recompute));
  as_usage([&] { check_scoring(run, config); });
  const std::string pool = describe_pool(*run.method, run.loaded.model, config);
  if (!pool.empty()) events.on_note(pool);
  return run;
}

engine::Json images_identity(const TrainConfig& config, const data::Splits& listed,
                             const ImageContents& contents) {
  engine::Json fields = identity_of(listed.classes, *find_split(listed, config.on), contents);
  if (config.keep == "best" && listed.val)
    fields.update(identity_of(listed.classes, *listed.val, contents, "val_"));
  return fields;
}

engine::Json identity_fields(const TrainConfig& config, const engine::Json& base, const engine::Json& images,
                             const std::string& instruction_set) {
  engine::Json fields{{"identity_version", kIdentityVersion}};
  fields.update(options_of(config));
  fields.update(base);
  fields.update(images);
  fields["instruction_set"] = instruction_set;
  return fields;
}

RunIdentity identity_of(const Run& run, const TrainConfig& config) {
  engine::Json images = images_identity(config, run.listed, *run.contents);
  if (run.cut) images.update(run.cut->identity());
  return {identity_fields(config, run.base, images, std::string(engine::kernels::simd_name())),
          [classes = run.listed.classes, images = find_split(run.listed, config.on), contents = run.contents](
              const std::string& root) { return earlier_images_sha256(classes, *images, *contents, root); }};
}

std::vector<std::string> changed_images(Run& run, const TrainConfig& config, const ImageStamps& recorded) {
  std::vector<std::string> all = run.contents->changed(*find_split(run.listed, config.on), recorded);
  if (config.keep == "best" && run.listed.val)
    std::ranges::move(run.contents->changed(*run.listed.val, recorded), std::back_inserter(all));
  return all;
}

std::string why_not_longer(const Run& run, const TrainConfig& config, const engine::Json& recorded) {
  const Index per_epoch = config.epoch_steps(run.images->size()).count();
  const Index steps = field<Index>(recorded, "steps").value_or(0);
  // A file may hold any number of epochs.
  const Index epochs = std::clamp<Index>(field<Index>(recorded, "epochs").value_or(0), 0,
                                         std::numeric_limits<Index>::max() / per_epoch);
  const Index before = steps > 0 ? steps : epochs * per_epoch;
  const Index now = config.total_steps(per_epoch);
  const auto warmup = [&](Index total) { return config.make_schedule(total, per_epoch).warmup; };
  const peft::MethodTraits traits = run.method->traits();
  if (now < before) return engine::say("a run can get longer than its", before, "steps, but not shorter");
  if (config.schedule != "constant")
    return "its rate follows a " + config.schedule +
           " schedule over the whole run, so that a longer one differs from the first step on; only "
           "--schedule constant can be made longer";
  if (warmup(before) != warmup(now)) return "its warm-up took the whole run";
  if (traits.depends_on_steps || !traits.selection_is_fixed || run.method->stages(now).size() > 1)
    return "what method " + config.method + " does in a step depends on the length of the run";
  if (config.keep == "best" && before % (per_epoch * config.eval_every) != 0)
    return "--keep best has evaluated its end, which a longer run would not";
  return "";
}

ScoringData scoring_data(const Run& run, const TrainConfig& config) {
  const bool by_path = config.no_score_shuffle && !config.no_shuffle && !config.data.train_list.empty();
  return {.images = by_path ? in_path_order(run.images) : run.images,
          .preprocessing = run.loaded.preprocessing,
          .batch_size = config.batch_size,
          .seed = static_cast<std::uint64_t>(config.model.seed),
          .workers = static_cast<int>(config.workers),
          .shuffle = !(config.no_score_shuffle || config.no_shuffle),
          .augmentation = config.augment,
          .variants = config.augment_copies,
          .patch_drop = config.patch_drop,
          .classes = static_cast<Index>(run.splits.classes.size())};
}

void score_and_select(Run& run, const TrainConfig& config, const Events& events, const ScoringOptions& how) {
  const peft::Scoring* scoring = run.method->scoring();
  run.scored_batches = how.known ? how.known->batches : how.begun ? how.begun->batches : 0;
  if (!scoring) {
    run.method->prepare(run.loaded.model, {});
  } else {
    Events counted = events;
    subscribe(counted.on_score, [&run](const ScoreEvent& e) { run.scored_batches = e.batch + 1; });
    run.method->prepare(run.loaded.model,
                        scoring_losses(run.loaded.model, *scoring, scoring_data(run, config), counted, how));
  }
  apply_depth(run.loaded.model, config);
}

RunIdentity selection_identity(Run& run, const TrainConfig& config, Index scored_batches) {
  engine::Json fields{{"identity_version", kIdentityVersion}};
  fields.update(options_of(config, declare_selection));
  fields.update(run.base);
  fields.update(identity_of(run.splits.classes, *run.images, *run.contents));
  fields["instruction_set"] = engine::kernels::simd_name();
  if (const peft::Scoring* scoring = run.method->scoring()) {
    fields["scored_batches"] = scored_batches;
    fields["scored_sha256"] =
        scored_sha256(*scoring, scoring_data(run, config), scored_batches, *run.contents);
  }
  return RunIdentity(fields);
}

std::vector<std::string> selection_differences(const engine::Safetensors& selection, Run& run,
                                               const TrainConfig& config) {
  const auto found = selection.metadata().find("identity");
  const engine::Json recorded =
      found == selection.metadata().end() ? engine::Json::object() : read_identity(found->second);
  if (recorded.empty()) return {"it has no record of how it was made"};
  const Index batches = std::max<Index>(0, field<Index>(recorded, "scored_batches").value_or(0));
  std::vector<std::string> all;
  for (const auto& d : selection_identity(run, config, batches).differences(recorded)) all.push_back(d.text);
  return all;
}

Evaluation evaluate(Run& run, const std::string& split, const TrainConfig& config, const Events& events) {
  const std::vector<Index> map =
      match_classes(run.splits.classes, run.loaded.classes, run.loaded.model.config().classes);
  const EvaluateOptions how{
      .batch_size = config.batch_size, .workers = static_cast<int>(config.workers), .part = split};
  Evaluator evaluator(run.splits.classes, map, run.loaded.model.config().classes);
  return evaluate_split(run.loaded.model, find_split(run.splits, split), run.loaded.preprocessing, evaluator,
                        map, how, events);
}

namespace {

/// The metadata of a delta or selection: format, method, options, base, classes, preprocessing, architecture,
/// and what of the base its tensors do not say.
engine::Metadata metadata_of(const Run& run, const TrainConfig& config, const std::string& format) {
  const auto values =
      peft::OptionValues(config.method, peft::find_method(config.method).options, config.method_options);
  engine::Metadata metadata = model_metadata(run.loaded.model.config());
  metadata.insert({{"format", format},
                   {"version", "1"},
                   {"method", config.method},
                   {"options", json_text(values.all())},
                   {"base_sha256", run.loaded.base_sha256},
                   {"classes", json_text(run.splits.classes)},
                   {"preprocessing", preprocessing_json(run.loaded.preprocessing)},
                   {"arch", run.loaded.arch}});
  if (!config.select_blocks.empty()) metadata["select_blocks"] = config.select_blocks;
  if (run.cut) metadata["cut_sha256"] = run.cut->sha256();
  return metadata;
}

}  // namespace

void write_delta(const std::filesystem::path& path, Run& run, const TrainConfig& config) {
  const peft::PartsByName moved = run.method->moved(run.loaded.model);
  std::vector<std::string> names;
  for (const auto& [name, part] : moved)
    if (part.any()) names.push_back(name);
  engine::Metadata metadata = metadata_of(run, config, "espalier-delta");
  metadata["parameters"] = json_text(names);
  engine::write_safetensors(path, peft::delta_of(run.loaded.model, moved), metadata);
}

void write_selection(const std::filesystem::path& path, Run& run, const TrainConfig& config) {
  std::map<std::string, engine::Shape> shapes;
  for (const auto& p : engine::parameters(run.loaded.model)) shapes[p.name] = p.parameter.value().shape();
  ordered_json shape, energy, squares;
  for (const peft::Choice& c : run.method->choices()) {
    shape[c.parameter] = shapes.at(c.parameter).dims();
    energy[c.parameter] = c.captured;
    squares[c.parameter] = c.squares;
  }
  engine::Metadata metadata = metadata_of(run, config, "espalier-selection");
  metadata["identity"] = selection_identity(run, config, run.scored_batches).text();
  metadata["shapes"] = json_text(shape);
  if (run.method->scoring()) {  // otherwise it was no gradient that was ranked
    metadata["energy"] = json_text(energy);
    metadata["gradient_squares"] = json_text(squares);
  }
  engine::write_safetensors(path, peft::selection_tensors(run.method->choices()), metadata);
}

}  // namespace training
