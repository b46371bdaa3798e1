#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

#include "data/image.h"

namespace data {

/// The most pixels an image may claim to have, in all and along a side: what is further away costs memory on
/// the way to a model's size.
constexpr Index kMaxPixels = 64'000'000, kMaxSide = 65'535;

/// The image in `bytes`: JPEG, PNG, WebP, GIF, BMP or PPM/PGM, recognised by its content. The pixels are
/// those of Pillow's `Image.open(...).convert("RGB")`: gray is replicated, palettes are expanded, alpha is
/// dropped without compositing, 16-bit PNGs keep the high byte, PPM/PGM samples are scaled to 0..255, a GIF
/// is its first frame; an animated WebP is refused. They stand as they are stored; EXIF's orientation, which
/// JPEG, PNG and WebP may have, is in the image. Throws an Error that starts with `name` when the bytes are
/// something else, damaged, cut off or too large. Damage that touches no pixel is described in the image's
/// note. No pixel is made up for one that is missing, and no memory is taken for pixels that the bytes cannot
/// hold.
Image decode_image(std::span<const std::byte> bytes, std::string_view name);

/// The image in a regular file; throws an Error that starts with the path. Never waits for a writer, and
/// does not read a file that is no image by its first bytes.
Image read_image(const std::filesystem::path& path);

}  // namespace data
