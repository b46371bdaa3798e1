#pragma once

#include <string_view>

#include "data/image.h"

namespace data {

/// How pixels are weighted when an image changes its size.
enum class Filter { bilinear, bicubic };

/// "bilinear" or "bicubic", and back; another word throws an Error that names these.
Filter filter_named(std::string_view name);
std::string_view name_of(Filter filter);

/// The image at another size, exactly as Pillow's Image.resize (9.4 to 12.3) computes it: the filter widens
/// when the image shrinks, horizontal before vertical, 8 bits in between, 22-bit fixed-point weights.
Image resize(const Image& image, Index width, Index height, Filter filter);

/// The part inside `window` of the image at another size: crop(resize(...), window) without computing the
/// rest.
Image resize(const Image& image, Index width, Index height, Filter filter, const Box& window);

}  // namespace data
