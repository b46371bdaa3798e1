#pragma once

#include <functional>

#include "data/dataset.h"

namespace data {

/// A split whose pictures were all decoded once.
struct Screened {
  std::shared_ptr<const Dataset> pictures;  ///< those that can be, in the order they had
  std::vector<BadPicture> bad;              ///< the others, in theirs
};

/// Decodes every picture of a split on `workers` threads, or on this one when there are none, and leaves the
/// bad ones out. The result is the same for any number of workers. `on_done` is told after every
/// kScreenedAtOnce pictures. Throws an Error that names split and class when a class loses all its pictures.
Screened screen(std::string_view split, std::shared_ptr<const Dataset> pictures,
                std::span<const std::string> classes, int workers, const std::function<void()>& on_done);
constexpr Index kScreenedAtOnce = 64;

}  // namespace data
