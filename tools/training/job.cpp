#include "tools/training/job.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "engine/io/sha256.h"
#include "peft/delta.h"
#include "tools/cli/console.h"
#include "tools/training/depth.h"
#include "tools/training/json_text.h"
#include "tools/training/pretrained/metadata.h"
#include "tools/training/usage_error.h"

namespace training {

using nlohmann::ordered_json;

namespace {

/// Keeps the checkpoint's head or puts a new one in its place, as --head says.
void choose_head(LoadedModel& loaded, const data::Splits& splits, const TrainConfig& options) {
  const Index classes = static_cast<Index>(splits.classes.size());
  const bool fits = loaded.has_head && loaded.model.config().classes == classes;
  if (options.head == "keep" && !fits) {
    throw UsageError(engine::say("--head keep: the checkpoint has",
                                 loaded.has_head
                                     ? engine::say("a head of", loaded.model.config().classes, "classes,")
                                     : std::string("no head,"),
                                 "but the data has", classes, "classes; use --head new"));
  }
  if (options.head == "new" || !fits) {
    new_head(loaded, classes, options.init_head, static_cast<std::uint64_t>(options.model.seed));
  } else if (!loaded.classes.empty() && loaded.classes != splits.classes) {
    cli::note(
        "note: the head is kept though its classes have other names than the data's; --head new starts "
        "afresh");
  }
  loaded.classes = splits.classes;
}

/// The images by their paths. Folders have them so; a list may not.
std::shared_ptr<const data::Dataset> in_path_order(const std::shared_ptr<const data::Dataset>& images) {
  std::vector<std::string> paths;
  std::vector<Index> places;
  for (Index i = 0; i < images->size(); ++i) paths.push_back(images->name(i)), places.push_back(i);
  std::ranges::stable_sort(places, {},
                           [&](Index i) -> const std::string& { return paths[static_cast<std::size_t>(i)]; });
  return data::some_of(images, std::move(places));
}

/// Refuses at once what training would refuse after a long scoring.
void check_data(const Job& job, const TrainConfig& options) {
  const Index n = job.images->size(), batches = n / options.batch_size;
  for (const std::string& name : job.splits.classes) {
    engine::check(is_utf8(name), "the name of class", json_text(name),
                  "is not UTF-8, so that no delta can hold it; rename it");
  }
  engine::check(batches > 0, "the data has", n, "images to learn from, too few for one batch of",
                std::to_string(options.batch_size) + "; a --batch-size of", n, "or less is needed");
  engine::check(batches >= options.grad_accum, batches, "batches of", options.batch_size,
                "images are too few for one step of --grad-accum", options.grad_accum);
  engine::check(options.keep != "best" || job.splits.val != nullptr,
                "--keep best needs a val split to choose on, and the data has none; use --keep last");
}

/// Refuses at once what scoring would refuse.
void check_scoring(const Job& job) {
  const peft::Scoring* scoring = job.method->scoring();
  if (!scoring) return;
  models::VitConfig config = job.loaded.model.config();
  if (scoring->image_size > 0) config.image_size = scoring->image_size;
  models::check_config(config);
  const Index classes = static_cast<Index>(job.splits.classes.size());
  engine::check(scoring->classes <= classes, "--score-classes", scoring->classes, "is more than the", classes,
                "there are");
}

std::string images_sha256(const std::vector<std::string>& classes, const data::Dataset& images) {
  engine::Sha256 hash;
  const auto add = [&](const std::string& line) { hash.add(std::as_bytes(std::span(line))); };
  for (const std::string& name : classes) add(name + '\0');
  for (Index i = 0; i < images.size(); ++i)
    add(images.name(i) + '\0' + std::to_string(images.label(i)) + '\0');
  return hash.hex();
}

}  // namespace

Job make_job(const TrainConfig& options, const std::vector<std::string>& splits) {
  Job job{.loaded = load_model(options.model),
          .splits = open_splits(options.data, splits, options.workers),
          .images = nullptr,
          .method = peft::make_method(options.method, options.method_options,
                                      static_cast<std::uint64_t>(options.model.seed))};
  if (options.no_shuffle && !options.data.train_list.empty()) {
    for (auto* split : {&job.splits.train, &job.splits.val})
      if (*split) *split = in_path_order(*split);
  }
  job.images = find_split(job.splits, options.on);
  check_data(job, options);
  choose_head(job.loaded, job.splits, options);
  check_depth(job.loaded.model, options);
  reinitialize_blocks(job.loaded.model, options);
  job.loaded.model.recompute(models::recompute_named(options.recompute));
  as_usage([&] {
    job.method->check_model(job.loaded.model);
    check_scoring(job);
  });
  return job;
}

namespace {

void prepare_method(Job& job, const TrainConfig& options, ScoringRun run) {
  const peft::Scoring* scoring = job.method->scoring();
  if (!scoring) return job.method->prepare(job.loaded.model, {});
  const bool by_path = options.no_score_shuffle && !options.no_shuffle && !options.data.train_list.empty();
  const ScoringData data{.images = by_path ? in_path_order(job.images) : job.images,
                         .preprocessing = job.loaded.preprocessing,
                         .batch_size = options.batch_size,
                         .seed = static_cast<std::uint64_t>(options.model.seed),
                         .workers = static_cast<int>(options.workers),
                         .shuffle = !(options.no_score_shuffle || options.no_shuffle),
                         .augmentation = options.augment,
                         .classes = static_cast<Index>(job.splits.classes.size())};
  job.method->prepare(job.loaded.model, scoring_losses(job.loaded.model, *scoring, data, std::move(run)));
}

}  // namespace

void prepare(Job& job, const TrainConfig& options, ScoringRun run) {
  prepare_method(job, options, std::move(run));
  apply_depth(job.loaded.model, options);
}

ordered_json identity_of(const LoadedModel& base) {
  const models::VitConfig& c = base.model.config();
  return {{"base_sha256", base.base_sha256},
          {"heads", c.heads},
          {"norm_eps", c.norm_eps},
          {"preprocessing_told",
           base.told ? ordered_json::parse(preprocessing_json(*base.told)) : ordered_json(nullptr)}};
}

ordered_json identity_of(const ordered_json& options, const ordered_json& base,
                         const std::vector<std::string>& classes, const data::Dataset& images) {
  ordered_json identity = options;
  identity.update(base);
  identity["images"] = images.size();
  identity["images_sha256"] = images_sha256(classes, images);
  return identity;
}

engine::Metadata metadata_of(const Job& job, const TrainConfig& options, const std::string& format) {
  const auto values =
      peft::OptionValues(options.method, peft::find_method(options.method).options, options.method_options);
  return {{"format", format},
          {"version", "1"},
          {"method", options.method},
          {"options", json_text(values.all())},
          {"base_sha256", job.loaded.base_sha256},
          {"classes", json_text(job.splits.classes)},
          {"preprocessing", preprocessing_json(job.loaded.preprocessing)},
          {"arch", job.loaded.arch}};
}

void write_selection(const std::filesystem::path& path, Job& job, const TrainConfig& options) {
  std::map<std::string, engine::Shape> shapes;
  for (const auto& p : engine::parameters(job.loaded.model)) shapes[p.name] = p.parameter.value().shape();
  ordered_json shape, energy, squares;
  for (const peft::Choice& c : job.method->choices()) {
    shape[c.parameter] = shapes.at(c.parameter).dims();
    energy[c.parameter] = c.energy;
    squares[c.parameter] = c.squares;
  }
  engine::Metadata metadata = metadata_of(job, options, "espalier-selection");
  metadata["shapes"] = json_text(shape);
  if (job.method->scoring()) {  // otherwise it was no gradient that was ranked
    metadata["energy"] = json_text(energy);
    metadata["gradient_squares"] = json_text(squares);
  }
  engine::write_safetensors(path, peft::selection_tensors(job.method->choices()), metadata);
}

}  // namespace training
