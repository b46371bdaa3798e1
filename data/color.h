#pragma once

#include "data/image.h"

/// Changes of colour with the pixels of torchvision's functional transforms on Pillow images.
namespace data {

/// Blends with black: 0 gives black, 1 the image itself.
Image brightness(const Image& image, double factor);
/// Blends with the image's mean gray.
Image contrast(const Image& image, double factor);
/// Blends with the image's own gray.
Image saturation(const Image& image, double factor);
/// Turns the hue by `turn` of the full circle, -0.5 to 0.5, in Pillow's 8-bit HSV.
Image hue(const Image& image, double turn);
/// The luma (ITU-R 601) of every pixel in all three channels.
Image grayscale(const Image& image);

}  // namespace data
