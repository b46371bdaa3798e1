#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "data/image.h"

/// One decoder for each format; decode.cpp picks by the first bytes. Each throws an Error that starts with
/// `name`.
namespace data {

Image decode_jpeg(std::span<const std::byte> bytes, std::string_view name);
Image decode_png(std::span<const std::byte> bytes, std::string_view name);
Image decode_bmp(std::span<const std::byte> bytes, std::string_view name);
Image decode_pnm(std::span<const std::byte> bytes, std::string_view name);

/// Throws an Error when an image that claims this size is empty or has more than kMaxPixels or kMaxSide.
void check_size(std::string_view name, Index width, Index height);

}  // namespace data
