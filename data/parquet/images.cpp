#include "data/parquet/images.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "data/codecs/decode.h"
#include "data/parquet/column.h"
#include "engine/io/sha256.h"

namespace data::parquet {
namespace {

std::vector<StoredValues::Part> parts_of(const std::vector<Images::Shard>& shards) {
  std::vector<StoredValues::Part> parts;
  for (const Images::Shard& shard : shards) parts.push_back(shard.part);
  return parts;
}

std::string image_name(const engine::File& file, Index row) {
  return file.path() + ":" + std::to_string(row);
}

/// Gives texts their numbers as they come.
class TextNumbers {
 public:
  std::uint32_t number(std::string_view text) {
    const auto known = numbers_.find(text);
    if (known != numbers_.end()) return known->second;
    const auto next = static_cast<std::uint32_t>(numbers_.size());
    check(next < kMost, "more than", kMost, "labels that differ");
    numbers_.emplace(text, next);
    return next;
  }
  /// The texts sorted by their bytes; numbers in `labels` become places among them.
  std::vector<std::string> sort(std::vector<std::uint32_t>& labels) const {
    std::vector<std::string> texts;
    std::vector<std::uint32_t> place(numbers_.size());
    for (const auto& [text, number] : numbers_) {
      place[number] = static_cast<std::uint32_t>(texts.size());
      texts.push_back(text);
    }
    for (std::uint32_t& label : labels) label = place[label];
    return texts;
  }

 private:
  static constexpr std::uint32_t kMost = 100'000;
  std::map<std::string, std::uint32_t, std::less<>> numbers_;
};

}  // namespace

Images::Images(std::vector<Shard> shards, std::vector<std::uint32_t> labels)
    : shards_(std::move(shards)), values_(parts_of(shards_)), labels_(std::move(labels)) {}

const Images::Shard& Images::shard(Index i) const {
  const auto next = std::ranges::upper_bound(shards_, i, {}, &Shard::first);
  return *std::prev(next);
}

std::string Images::name(Index i) const {
  return image_name(*shard(i).part.file, i - shard(i).first);
}

void Images::check_there(Index i) const {
  if (!values_.is_null(i)) return;
  const Shard& in = shard(i);
  throw Error(engine::say(
      name(i) + ":", "column", in.part.footer->columns[in.part.column].name(),
      "is null; an image has bytes, which push_to_hub of the datasets library embeds and to_parquet does not"));
}

Image Images::image(Index i) const {
  check_there(i);
  return decode_image(values_.value(i), name(i));
}

std::string Images::file(Index i) const {
  return shard(i).part.file->path();
}

std::string Images::sha256(Index i) const {
  check_there(i);
  engine::Sha256 hash;
  hash.add(values_.value(i));
  return hash.hex();
}

RawSplit read_split(const std::vector<std::filesystem::path>& files) {
  constexpr std::int64_t most = 100'000;  // classes
  RawSplit split;
  TextNumbers numbers;
  Index first = 0;
  for (const std::filesystem::path& path : files) {
    const auto file = std::make_shared<const engine::File>(path);
    const auto footer = std::make_shared<const Footer>(read_footer(*file));
    const ImageColumns columns = find_image_columns(*footer, file->path());
    if (split.shards.empty()) {
      split.texts_are_labels = columns.texts;
      split.class_names = columns.class_names;
      split.label_name = columns.label_name;
    }
    const std::string who = file->path() + ":";
    const std::string before = split.shards.empty() ? "" : split.shards[0].part.file->path();
    check(columns.label_name == split.label_name && columns.texts == split.texts_are_labels, who,
          "its labels are column", columns.label_name + (columns.texts ? " of texts;" : " of numbers;"),
          "those of", before, "are column",
          split.label_name + (split.texts_are_labels ? " of texts" : " of numbers"));
    check(columns.class_names == split.class_names, who,
          "the class names in its key huggingface are others than in", before);
    split.shards.push_back({{file, footer, columns.image}, first});

    Index in_file = 0;  // rows of the groups before
    const auto refuse = [&](Index row, const std::string& what) {
      throw Error(
          engine::say(image_name(*file, in_file + row) + ":", "column", columns.label_name, "is", what));
    };
    const std::string null = "null; every image needs a label";
    for (std::size_t group = 0; group < footer->groups.size(); ++group) {
      if (columns.texts) {
        read_texts(*file, *footer, columns.label, group, [&](Index row, const std::string_view* text) {
          if (text == nullptr) refuse(row, null);
          split.labels.push_back(numbers.number(*text));
        });
      } else {
        read_integers(*file, *footer, columns.label, group, [&](Index row, const std::int64_t* label) {
          if (label == nullptr) refuse(row, null);
          if (*label < 0 || *label >= most)
            refuse(row, engine::say(std::to_string(*label) + "; labels lie in 0 to", most - 1));
          split.labels.push_back(static_cast<std::uint32_t>(*label));
          if (*label <= split.largest) return;
          split.largest = *label;
          split.largest_at = image_name(*file, in_file + row);
        });
      }
      in_file += footer->groups[group].rows;
    }
    first += footer->rows;
  }
  if (split.texts_are_labels) split.texts = numbers.sort(split.labels);
  return split;
}

}  // namespace data::parquet
