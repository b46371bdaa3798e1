#pragma once

#include <cstddef>
#include <vector>

#include "engine/io/file.h"

namespace data {

/// The whole of a file. Throws an Error naming it when it is larger than any image or data set needs to be.
std::vector<std::byte> read_all(const engine::File& file);

}  // namespace data
