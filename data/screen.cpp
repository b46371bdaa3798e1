#include "data/screen.h"

#include <algorithm>
#include <map>
#include <utility>

#include "data/ahead.h"
#include "engine/base/check.h"
#include "engine/base/div_up.h"

namespace data {
namespace {

constexpr Index kDepth = 3;  // groups in the making

/// Why an image cannot be read; nothing when it can.
std::string error_of(const Dataset& images, Index i) {
  try {
    images.image(i);
    return {};
  } catch (const Error& error) {
    const std::string text = error.what(), start = images.name(i) + ": ";
    return text.starts_with(start) ? text.substr(start.size()) : text;
  }
}

/// The error of every image, in their order.
std::vector<std::string> errors_of(const Dataset& images, int workers, const std::function<void()>& on_done) {
  const Index size = images.size(), groups = engine::div_up(size, kScreenedAtOnce);
  // A group is a batch whose names are the errors of its images.
  BatchMaker maker;
  maker.open = [=](Index group) {
    Batch batch;
    batch.names.resize(static_cast<std::size_t>(std::min(kScreenedAtOnce, size - group * kScreenedAtOnce)));
    return batch;
  };
  maker.pieces = [](const Batch& batch) { return static_cast<Index>(batch.names.size()); };
  maker.fill = [&](Batch& batch, Index group, Index slot) {
    batch.names[static_cast<std::size_t>(slot)] = error_of(images, group * kScreenedAtOnce + slot);
  };
  maker.finish = [](Batch&, Index) {};

  std::vector<std::string> all;
  auto add = [&](Batch&& batch) {
    std::move(batch.names.begin(), batch.names.end(), std::back_inserter(all));
    on_done();
  };
  if (workers > 0) {
    Ahead ahead(maker, 0, groups, workers, kDepth);
    while (auto batch = ahead.take()) add(std::move(*batch));
    return all;
  }
  for (Index group = 0; group < groups; ++group) {
    Batch batch = maker.open(group);
    for (Index slot = 0; slot < maker.pieces(batch); ++slot) maker.fill(batch, group, slot);
    add(std::move(batch));
  }
  return all;
}

}  // namespace

Screened screen(std::string_view split, std::shared_ptr<const Dataset> images,
                std::span<const std::string> classes, int workers, const std::function<void()>& on_done) {
  std::vector<std::string> errors = errors_of(*images, workers, on_done);
  Screened result;
  std::vector<Index> good;
  struct Count {
    Index good = 0, bad = 0;
    std::size_t first_bad = 0;  // in result.bad
  };
  std::map<Index, Count> counts;  // of each class
  for (Index i = 0; i < images->size(); ++i) {
    std::string& error = errors[static_cast<std::size_t>(i)];
    Count& count = counts[images->label(i)];
    if (error.empty()) {
      ++count.good;
      good.push_back(i);
    } else {
      if (count.bad++ == 0) count.first_bad = result.bad.size();
      result.bad.push_back({images->name(i), std::move(error), std::string(split)});
    }
  }
  for (const auto& [label, count] : counts) {
    const BadImage first = count.bad > 0 ? result.bad[count.first_bad] : BadImage{};
    check(count.good > 0, split, "has no image of class", classes[static_cast<std::size_t>(label)],
          "that can be read, of", std::to_string(count.bad) + "; the first is", first.file + ":",
          first.reason);
  }
  result.images = result.bad.empty() ? images : some_of(images, std::move(good));
  return result;
}

}  // namespace data
