#pragma once

#include <cstddef>
#include <span>

namespace data {

/// The orientation, 1 to 8 (TIFF's tag 274), in the content of an Exif block: TIFF in either byte order, with
/// or without "Exif\0\0" before it. As Pillow reads it: any integer of 2 or 4 bytes, the first where there
/// are several, and of several such tags the first that has a value. 1 where the block has none or makes no
/// sense. Never throws.
int exif_orientation(std::span<const std::byte> exif);

/// The orientation in the first Exif segment of a JPEG, which stands before its first scan; 1 without one.
int jpeg_orientation(std::span<const std::byte> jpeg);

}  // namespace data
