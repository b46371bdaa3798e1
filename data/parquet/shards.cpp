#include "data/parquet/shards.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "data/split_names.h"
#include "engine/base/check.h"
#include "engine/base/text.h"

namespace data::parquet {
namespace {

namespace fs = std::filesystem;
using engine::check;

/// The files in DIR and DIR/data, sorted by name.
std::vector<fs::path> parquet_files(const fs::path& dir) {
  std::vector<fs::path> files;
  for (const fs::path& folder : {dir, dir / "data"}) {
    std::error_code error, unknown;
    if (!fs::is_directory(folder, unknown)) continue;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
      const fs::path& path = it->path();
      if (path.extension() == ".parquet" && !path.filename().native().starts_with('.') &&
          !it->is_directory(unknown))
        files.push_back(path);
    }
    check(!error, folder.string() + ":", "cannot be listed:", error.message());
  }
  std::ranges::sort(files);
  return files;
}

/// What a name says of itself: train-00000-of-00002.
struct ShardName {
  std::string before;  ///< train
  std::size_t number = 0, count = 0;
  std::size_t digits = 0;  ///< of the count
};

bool parse_number(std::string_view digits, std::size_t& number) {
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error == std::errc() && end == digits.data() + digits.size() && number <= 1'000'000;
}

ShardName parse_name(const std::string& stem) {
  const std::size_t of = stem.rfind("-of-"),
                    dash = of == stem.npos || of == 0 ? stem.npos : stem.rfind('-', of - 1);
  ShardName name;
  if (dash != stem.npos &&
      parse_number(std::string_view(stem).substr(dash + 1, of - dash - 1), name.number) &&
      parse_number(std::string_view(stem).substr(of + 4), name.count) && name.number < name.count) {
    name.before = stem.substr(0, dash);
    name.digits = stem.size() - of - 4;
    return name;
  }
  return {stem, 0, 0, 0};
}

/// Checks that all the shards are there that their names count.
void check_complete(const std::vector<fs::path>& files) {
  struct Series {
    std::size_t digits = 0;
    std::set<std::size_t> numbers;
  };
  std::map<std::pair<fs::path, std::size_t>, Series> all;  // by folder and name, and the count
  for (const fs::path& file : files) {
    const ShardName name = parse_name(file.stem().string());
    if (name.count == 0) continue;
    Series& series = all[{file.parent_path() / name.before, name.count}];
    series.digits = name.digits;
    series.numbers.insert(name.number);
  }
  for (const auto& [key, series] : all) {
    const auto& [name, count] = key;
    std::size_t missing = 0;
    while (series.numbers.contains(missing)) ++missing;
    if (missing == count) continue;
    const auto padded = [digits = series.digits](std::size_t number) {
      const std::string text = std::to_string(number);
      return std::string(digits > text.size() ? digits - text.size() : 0, '0') + text;
    };
    throw engine::Error(engine::say(
        name.string() + "-" + padded(missing) + "-of-" + padded(count) + ".parquet:", "is missing; of", count,
        "shards", series.numbers.size(), "are there"));
  }
}

}  // namespace

const std::vector<fs::path>& Shards::of(std::string_view split) const {
  return split == "train" ? train : split == "val" ? val : test;
}

std::string_view split_of_shard(const fs::path& file) {
  const std::string name = parse_name(file.stem().string()).before;
  const std::string_view split = split_named(std::string_view(name).substr(0, name.find_first_of("-._")));
  refuse_contested(file, split);
  return split;
}

bool has_shards(const fs::path& dir) {
  return !parquet_files(dir).empty();
}

Shards find_shards(const fs::path& dir) {
  Shards shards;
  std::vector<fs::path> others;
  for (const fs::path& file : parquet_files(dir)) {
    const std::string_view split = split_of_shard(file);
    if (split.empty())
      others.push_back(file);
    else
      (split == "train" ? shards.train : split == "val" ? shards.val : shards.test).push_back(file);
  }
  const bool named = !shards.train.empty() || !shards.val.empty() || !shards.test.empty();
  if (!others.empty()) {
    const std::string first = others.front().filename().string();
    shards.notes.push_back(
        named ? engine::say(dir.string() + ":", others.size(), "Parquet files are passed over, such as",
                            first + ": no split by their names; train-00000-of-00001.parquet is one")
              : engine::say(dir.string() + ":", "no Parquet file is a split by its name, such as",
                            first + "; all are one data set"));
  }
  shards.whole = !named;
  if (!named) shards.train = std::move(others);
  for (const auto* files : {&shards.train, &shards.val, &shards.test}) check_complete(*files);
  return shards;
}

}  // namespace data::parquet
