#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/io/json.h"
#include "tools/training/image_contents.h"
#include "tools/training/options/train_options.h"
#include "tools/training/pretrained/model_source.h"

namespace training {

/// 1, not recorded: images by their paths as they were given. 2: by their names below the data folder. 3:
/// what an epoch has left over for --grad-accum is a step.
inline constexpr Index kIdentityVersion = 3;

/// What identifies a run: all that changes a bit of what it computes and nothing else, field by field. Two
/// runs of one identity may go on from each other or stand for each other, wherever their folders lie. The
/// contents of the images belong to it, too; they are known only once they are read (ImageContents).
class RunIdentity {
 public:
  /// `earlier_images` gives the hash of the images as versions of the program wrote it that named them by
  /// their paths, for a data folder (or root) spelled so.
  RunIdentity(engine::Json fields, std::function<std::string(const std::string&)> earlier_images = {});

  const engine::Json& fields() const { return fields_; }
  /// As a file of the run keeps it.
  std::string text() const;

  struct Difference {
    std::string field, text;  ///< "lr", "lr was 0.01 and is 0.1"
  };
  /// Where `recorded` has another value than this; what it lacks is no difference. It may be of an earlier
  /// version.
  std::vector<Difference> differences(const engine::Json& recorded) const;
  /// Throws a UsageError that names the file and all differences from the text that a file of a run holds.
  void check(const std::string& file, const std::string& recorded) const;

  /// From now on these fields may differ.
  void let_differ(std::vector<std::string> fields) { free_ = std::move(fields); }

 private:
  engine::Json fields_;
  std::function<std::string(const std::string&)> earlier_images_;
  std::vector<std::string> free_;
};

/// What a run has recorded of its identity in a config.json, of today or of an earlier version: its fields
/// and, for comparisons, what it says of the splits that it was evaluated on.
engine::Json recorded_identity(const engine::Json& config);

/// What text() has given; an empty object when that is damaged.
engine::Json read_identity(const std::string& text);

/// The part of an identity that the options have which `declare` declares.
engine::Json options_of(const TrainConfig& config,
                        void (*declare)(OptionTable&, TrainConfig&) = declare_config);
/// The part that the model has before it is tuned: its weights, what files beside them hold, and how its
/// images are prepared.
engine::Json identity_of(const LoadedModel& base);
/// The part that images have: their classes, names and labels, in order. Its fields begin with `prefix`.
engine::Json identity_of(const std::vector<std::string>& classes, const data::Dataset& images,
                         const ImageContents& contents, const std::string& prefix = "");
/// Their hash as earlier versions wrote it, when the data was given as `root`.
std::string earlier_images_sha256(const std::vector<std::string>& classes, const data::Dataset& images,
                                  const ImageContents& contents, const std::string& root);

/// Throws a UsageError that names `what` and lists why it cannot go on or be taken, and what to do.
[[noreturn]] void refuse_run(const std::string& what, const std::vector<std::string>& reasons);

/// The fields of an identity or a config.json under the names they have today: earlier runs wrote three of
/// them with other words.
engine::Json with_present_names(engine::Json fields);

}  // namespace training
