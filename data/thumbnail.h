#pragma once

#include <string>

#include "data/image.h"

namespace data {

/// The bytes of a small JPEG of an image: its longer side has at most `side` pixels, and the shorter one as
/// many as keep its proportions. A smaller image keeps its size.
std::string thumbnail(const Image& image, Index side);

}  // namespace data
