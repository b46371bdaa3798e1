#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "data/image.h"

namespace data {

/// The image of `width` x `height` in a PNG whose bytes were checked: stb_image trusts them too much. It
/// may take no block of memory that such an image does not need. Throws an Error that starts with `name`
/// when the PNG is damaged or of another size.
Image png_by_stb(std::span<const std::byte> bytes, std::string_view name, Index width, Index height);

}  // namespace data
