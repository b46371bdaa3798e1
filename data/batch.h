#pragma once

#include <string>
#include <vector>

#include "data/image.h"
#include "engine/tensor/tensor.h"

namespace data {

using engine::Tensor;

/// Images ready for a model.
struct Batch {
  Tensor images;  ///< [views * n, 3, height, width] f32: the first view of all, then the second; or empty
  std::vector<Index> labels;       ///< n classes
  std::vector<std::string> names;  ///< n names, as the data set calls them
  Tensor targets;                  ///< soft labels [n, classes] f32 when mixed by mixup or cutmix, else empty
  std::vector<Index> samples;      ///< n positions in the data set
  Index variant = 0;               ///< which of its fixed variants an image is in
};

}  // namespace data
