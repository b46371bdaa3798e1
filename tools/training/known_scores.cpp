#include "tools/training/known_scores.h"

#include <map>
#include <nlohmann/json.hpp>

#include "engine/base/text.h"
#include "engine/io/folder.h"
#include "engine/io/sha256.h"
#include "engine/kernels/simd.h"
#include "tools/training/json_text.h"
#include "tools/training/sealed_file.h"
#include "tools/training/usage_error.h"

namespace training {

namespace fs = std::filesystem;

namespace {

constexpr const char *kFormat = "espalier-gradients", *kIdentity = "identity", *kBatches = "batches",
                     *kSeconds = "seconds", *kPeak = "peak_mb";

/// The options that change a score, besides the method's own.
void declare_scored(OptionTable& table, TrainConfig& config) {
  declare_model(table, config.model);
  declare_reading(table, config);
}

/// What the method asks of its scoring.
engine::Json scoring_fields(const peft::Scoring& scoring) {
  const bool contrast = scoring.loss == peft::Scoring::Loss::supcon;
  engine::Json fields{{"score", contrast ? "supcon" : "ce"},
                      {"score_image_size", scoring.image_size},
                      {"score_classes", scoring.classes},
                      {"accumulated", scoring.accumulate == peft::Accumulate::sums ? "sums" : "squares"}};
  fields["score_batches"] = scoring.until_stable   ? engine::Json("auto")
                            : scoring.batches == 0 ? engine::Json("all")
                                                   : engine::Json(scoring.batches);
  if (contrast) {
    fields["temperature"] = scoring.temperature;
    fields["score_augment"] = scoring.augment ? "simclr" : "none";
  }
  return fields;
}

/// All that scores hang on, but for what the images hold.
engine::Json origin(const Run& run, const TrainConfig& config) {
  engine::Json fields{{"identity_version", kIdentityVersion}};
  fields.update(options_of(config, declare_scored));
  fields.update(run.base);
  fields.update(identity_of(run.splits.classes, *run.images, *run.contents));
  fields["reinit_blocks"] = config.reinit_blocks;
  fields["instruction_set"] = engine::kernels::simd_name();
  fields.update(scoring_fields(*run.method->scoring()));
  return fields;
}

/// The text of a number in metadata; 0 where there is none.
double number_in(const engine::Metadata& metadata, const char* key) {
  const auto found = metadata.find(key);
  return found == metadata.end() ? 0 : engine::parse_number(found->second, key);
}

}  // namespace

RunIdentity scores_identity(Run& run, const TrainConfig& config, Index batches) {
  engine::Json fields = origin(run, config);
  fields["scored_batches"] = batches;
  fields["scored_sha256"] =
      scored_sha256(*run.method->scoring(), scoring_data(run, config), batches, *run.contents);
  return RunIdentity(fields);
}

std::string why_no_known_scores(const peft::Method& method, const std::string& name) {
  if (!method.scoring()) return "method " + name + " does not select by gradients; grft, gps and sift do";
  if (method.scoring()->until_stable)
    return "--score-batches auto stops where the choice of this method and of these options is stable";
  return method.scoring()->more_than_sums;
}

void write_scores(const fs::path& path, Run& run, const TrainConfig& config, const WholeScores& scores) {
  engine::Metadata metadata{{"format", kFormat},
                            {"base_sha256", run.loaded.base_sha256},
                            {kIdentity, scores_identity(run, config, scores.batches).text()},
                            {kBatches, std::to_string(scores.batches)}};
  if (scores.seconds > 0) metadata[kSeconds] = engine::shortest(scores.seconds);
  if (scores.peak_mb > 0) metadata[kPeak] = engine::shortest(scores.peak_mb);
  write_sealed(path, scores.gradients, metadata);
}

WholeScores read_scores(const fs::path& path, Run& run, const TrainConfig& config) {
  const std::string name = path.string();
  if (!engine::Safetensors(path).metadata().contains(kIdentity))
    throw UsageError(name + ": has no record of how it was made, which select --gradients writes");
  const SealedFile file(path, kFormat);
  const Index batches = engine::parse_integer(file.stored(kBatches), name + ": batches");
  engine::check(batches > 0, name + ": batches should be above 0, not", batches);
  const engine::Json recorded = read_identity(file.stored(kIdentity));
  std::vector<std::string> differences;
  for (const auto& d : scores_identity(run, config, batches).differences(recorded))
    differences.push_back(d.text);
  if (!differences.empty())
    throw UsageError(name + ": has scores of other options or data: " + engine::join(differences, ", "));
  std::map<std::string, engine::Tensor> sums;
  for (auto& [parameter, tensor] : file.tensors_with("")) sums.emplace(parameter, tensor);
  WholeScores scores{.batches = batches,
                     .gradients = {},
                     .seconds = number_in(file.file().metadata(), kSeconds),
                     .peak_mb = number_in(file.file().metadata(), kPeak)};
  for (const auto& p : run.method->pool(run.loaded.model)) {
    const auto found = sums.find(p.name);
    if (found == sums.end() || found->second.shape() != p.parameter.value().shape())
      throw UsageError(
          name + ": has no scores of " + p.name +
          ", which this run chooses from; they were made with other --targets, --freeze-blocks or "
          "--select-blocks");
    scores.gradients.emplace_back(p.name, found->second);
  }
  return scores;
}

fs::path kept_scores(const fs::path& folder, Run& run, const TrainConfig& config) {
  engine::Json fields = origin(run, config);
  for (const auto& p : run.method->pool(run.loaded.model)) fields["scored"].push_back(p.name);
  engine::Sha256 hash;
  const std::string text = json_text(fields);
  hash.add(std::as_bytes(std::span(text)));
  return folder / (hash.hex().substr(0, 16) + ".safetensors");
}

void use_known_scores(const fs::path& path, Run& run, const TrainConfig& config, const Events& events,
                      ScoringOptions& how) {
  const std::string why = why_no_known_scores(*run.method, config.method);
  if (!why.empty()) throw UsageError("--scores " + path.string() + ": " + why);
  std::error_code none;
  if (path.has_filename() && !fs::is_directory(path, none)) {
    how.known = read_scores(path, run, config);
    return;
  }
  const fs::path file = kept_scores(path, run, config);
  how.keep = [file, &run, config, events](const WholeScores& scores) {
    try {
      engine::make_folders(file.parent_path());
      write_scores(file, run, config, scores);
    } catch (const engine::Error& e) {  // such as a full disk
      events.on_note(std::string("note: the scores are not kept: ") + e.what());
    }
  };
  if (!fs::exists(file, none)) return;
  try {
    how.known = read_scores(file, run, config);
  } catch (const engine::Error& e) {
    events.on_note(std::string("note: scored again: ") + e.what());
  }
}

}  // namespace training
