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
/// A still WebP, lossy or lossless, by libwebp.
Image decode_webp(std::span<const std::byte> bytes, std::string_view name);
/// The first frame of a GIF, by giflib; damage behind it becomes a note.
Image decode_gif(std::span<const std::byte> bytes, std::string_view name);
/// The first image of a TIFF with 8 bits a sample, upright as Pillow has it, by libtiff. Only there where the
/// project is built with ESPALIER_TIFF.
Image decode_tiff(std::span<const std::byte> bytes, std::string_view name);

/// Throws an Error when an image that claims this size is empty or has more than kMaxPixels or kMaxSide.
void check_size(std::string_view name, Index width, Index height);
/// Throws an Error when a file of so many bytes, whose format can hold any number of equal pixels in a few of
/// them, claims more pixels than all but images of one colour have.
void check_density(std::string_view name, Index width, Index height, std::size_t bytes);

}  // namespace data
