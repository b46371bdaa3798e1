#include "data/parquet_folder.h"

#include <algorithm>
#include <utility>

#include "data/parquet/images.h"
#include "data/parquet/shards.h"
#include "data/split_file.h"
#include "engine/base/text.h"

namespace data {
namespace {

namespace fs = std::filesystem;
using parquet::RawSplit;

/// Notes where images cost more than themselves: pages that must be decompressed, and memory that keeps them.
void note_compressed(const parquet::StoredValues& values, const std::string& who, Splits& splits) {
  constexpr std::size_t worth_a_note = 10'000'000;  // bytes
  if (values.whole_bytes() < worth_a_note) return;
  const auto human = [](std::size_t bytes) { return engine::human_bytes(static_cast<double>(bytes)); };
  splits.notes.push_back(engine::say(
      who, "its images lie in pages of about",
      human(values.whole_bytes() / static_cast<std::size_t>(values.whole_pages())),
      "compressed by GZIP or ZSTD, which are decompressed whole; up to", human(values.kept_bytes()),
      "of them are kept in memory, and every image that lies in another costs its page. Images without compression,",
      "or with SNAPPY, are read one by one"));
}

/// The names of the classes: those in the file, or in the README.md beside it.
std::vector<std::string> named_classes(const RawSplit& train, const fs::path& dir, Splits& splits) {
  const std::vector<std::string> readme = parquet::class_names_in_readme(dir, train.label_name);
  if (train.class_names.empty()) return readme;
  if (!readme.empty() && readme != train.class_names)
    splits.notes.push_back(
        engine::say((dir / "README.md").string() + ":",
                    "names other classes than the Parquet files; those of the files count"));
  return train.class_names;
}

/// A folder's splits put together.
class Opening {
 public:
  Opening(const fs::path& dir, ClassOrder order, Splits& splits)
      : dir_(dir), order_(order), splits_(splits) {}

  /// Sets the classes from what is trained on: from `val`, too, where it is given.
  void learn(const RawSplit& train, const RawSplit* val, const std::string& who) {
    texts_ = train.texts_are_labels;
    if (texts_) {
      splits_.classes = train.texts;
      if (val != nullptr) splits_.classes = united_classes(who, val->texts, splits_.classes);
      sort_classes(splits_.classes, order_);
      return;
    }
    names_ = train.class_names;
    splits_.classes = named_classes(train, dir_, splits_);
    named_ = !splits_.classes.empty();
    const Index largest = std::max(train.largest, val != nullptr ? val->largest : -1);
    if (!named_) splits_.classes = numbered_classes(largest + 1);
    splits_.class_order = named_ ? "the order of their labels" : "that of their numbers";
  }

  /// The images of a split whose labels count in the classes. `who` is the split in errors.
  std::shared_ptr<const Dataset> take(RawSplit split, const std::string& who) {
    check(!split.labels.empty(), who + ":", "no images");
    check(split.texts_are_labels == texts_, who + ":", "labels are",
          split.texts_are_labels ? "texts" : "numbers", "and those of train", texts_ ? "texts" : "numbers");
    if (texts_) {
      const std::vector<Index> places = find_classes(who, split.texts, splits_.classes);
      for (std::uint32_t& label : split.labels) label = static_cast<std::uint32_t>(places[label]);
    } else {
      check(split.class_names.empty() || split.class_names == names_, who + ":",
            "the class names in its key huggingface are others than those of train");
      const Index count = static_cast<Index>(splits_.classes.size());
      check(split.largest < count, split.largest_at + ":", "label", split.largest,
            named_ ? engine::say("is no class; the", count, "names of classes are 0 to")
                   : "is a class that train lacks: its labels are 0 to",
            count - 1);
    }
    const auto images = std::make_shared<parquet::Images>(std::move(split.shards), std::move(split.labels));
    note_compressed(images->values(), who + ":", splits_);
    return images;
  }

 private:
  const fs::path& dir_;
  ClassOrder order_;
  Splits& splits_;
  bool texts_ = false, named_ = false;
  std::vector<std::string> names_;
};

/// Files alone, as the train of a data set.
Splits open_alone(const fs::path& dir, const std::vector<fs::path>& files, const std::string& who,
                  const FolderOptions& options) {
  Splits splits;
  Opening opening(dir, options.class_order, splits);
  RawSplit train = parquet::read_split(files);
  opening.learn(train, nullptr, who);
  splits.train = opening.take(std::move(train), who);
  return splits;
}

}  // namespace

bool is_parquet_folder(const fs::path& dir) {
  return parquet::has_shards(dir);
}

bool is_parquet_file(const fs::path& file) {
  std::error_code error;
  return file.extension() == ".parquet" && fs::exists(file, error) && !fs::is_directory(file, error);
}

Splits open_parquet_folder(const fs::path& dir, const FolderOptions& options) {
  const parquet::Shards shards = parquet::find_shards(dir);
  check(!shards.train.empty(), "no train split:", (dir / "train-*.parquet").string(), "does not exist");
  const auto who = [&](const char* split) { return (dir / split).string() + "*.parquet"; };
  Splits splits;
  splits.notes = shards.notes, splits.whole = shards.whole;
  Opening opening(dir, options.class_order, splits);
  RawSplit train = parquet::read_split(shards.train), val;
  if (!shards.val.empty()) val = parquet::read_split(shards.val);
  opening.learn(train, options.val_counts && !shards.val.empty() ? &val : nullptr, who("val"));
  check_classes(who("train"), splits.classes);
  splits.train = opening.take(std::move(train), who("train"));
  if (!shards.val.empty()) splits.val = opening.take(std::move(val), who("val"));
  if (!shards.test.empty()) splits.test = opening.take(parquet::read_split(shards.test), who("test"));
  return splits;
}

Splits open_parquet_file(const fs::path& file, const FolderOptions& options) {
  Splits splits = open_alone(file.parent_path(), {file}, file.string(), options);
  check_classes(file.string(), splits.classes);
  splits.whole = parquet::split_of_shard(file).empty();
  return splits;
}

std::optional<Splits> open_parquet_split(const fs::path& path, std::string_view split,
                                         const FolderOptions& options) {
  if (is_parquet_file(path)) {
    if (parquet::split_of_shard(path).empty()) return std::nullopt;
    return open_alone(path.parent_path(), {path}, path.string(), options);
  }
  const parquet::Shards shards = parquet::find_shards(path);
  if (!shards.train.empty() || shards.of(split).empty()) return std::nullopt;
  return open_alone(path, shards.of(split), (path / split).string() + "*.parquet", options);
}

}  // namespace data
