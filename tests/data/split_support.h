#pragma once

#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/sources.h"
#include "tests/data/support.h"

namespace data {

/// What most images of these tests are.
inline const std::string kImage = ppm(noise("noise", 1, 4, 3));

/// The names of a split's images below `root`, and their labels.
inline std::vector<std::string> names(const Dataset& dataset, const fs::path& root) {
  std::vector<std::string> names;
  for (Index i = 0; i < dataset.size(); ++i)
    names.push_back(fs::path(dataset.name(i)).lexically_relative(root).string());
  return names;
}
inline std::vector<Index> labels(const Dataset& dataset) {
  std::vector<Index> labels;
  for (Index i = 0; i < dataset.size(); ++i) labels.push_back(dataset.label(i));
  return labels;
}

/// The message of open_data's Error.
inline std::string open_error(const fs::path& dir) {
  return error_of([&] { open_data(dir); });
}

}  // namespace data
