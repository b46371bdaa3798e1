#pragma once

#include <functional>

#include "data/dataset.h"

namespace data {

/// A split whose images were all decoded once.
struct Screened {
  std::shared_ptr<const Dataset> images;  ///< those that can be, in the order they had
  std::vector<BadImage> bad;              ///< the others, in theirs
};

/// Decodes every image of a split on `workers` threads, or on this one when there are none, and leaves the
/// bad ones out. The result is the same for any number of workers. `on_done` is called after every
/// kScreenedAtOnce images. Throws an Error that names split and class when a class loses all its images.
Screened screen(std::string_view split, std::shared_ptr<const Dataset> images,
                std::span<const std::string> classes, int workers, const std::function<void()>& on_done);
constexpr Index kScreenedAtOnce = 64;

}  // namespace data
