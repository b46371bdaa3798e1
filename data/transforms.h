#pragma once

#include <array>
#include <span>
#include <string_view>

#include "data/image.h"
#include "data/per_side.h"
#include "data/resize.h"
#include "engine/tensor/tensor.h"

namespace data {

using engine::Tensor;

/// What a checkpoint expects of its images.
struct Preprocessing {
  enum class Mode {
    squash,       ///< both sides to `size`, whatever the aspect ratio (VTAB)
    crop,         ///< to cover floor(size / crop_pct), then the centre (ImageNet, timm)
    squash_crop,  ///< both sides to floor(size / crop_pct), then the centre (DeiT in Hugging Face)
    longest       ///< to fit into `size`, then black on both sides of the image (OpenCLIP)
  };
  /// Where a centre begins whose margins would be half a pixel.
  enum class CropStart {
    half_even,  ///< at the even one of the two pixels (torchvision, timm)
    floor       ///< at the first (Hugging Face)
  };
  ImageSize size = 224;
  Filter filter = Filter::bicubic;
  Mode mode = Mode::squash;
  PerSide<double> crop_pct = 0.9;  ///< share of the resized image that the centre is
  CropStart crop_start = CropStart::half_even;
  std::array<float, 3> mean = {0.5f, 0.5f, 0.5f};
  std::array<float, 3> std = {0.5f, 0.5f, 0.5f};
  bool exif_rotate = false;  ///< images are turned upright first (Hugging Face's datasets), or read as stored

  friend bool operator==(const Preprocessing&, const Preprocessing&) = default;
};

/// "squash", "crop", "squash-crop" or "longest", and back; another word throws an Error that names these.
Preprocessing::Mode mode_named(std::string_view name);
std::string_view name_of(Preprocessing::Mode mode);
/// True where a part is cut out, whose share is crop_pct.
bool cuts_out(Preprocessing::Mode mode);
/// "half-even" or "floor", and back.
Preprocessing::CropStart crop_start_named(std::string_view name);
std::string_view name_of(Preprocessing::CropStart start);

/// Throws an Error naming the field when a value makes no sense.
void check_preprocessing(const Preprocessing& how);

/// The image as it is looked at before it is resized: turned upright, or as stored.
Image turned(Image image, const Preprocessing& how);

/// The image, turned() before, as evaluation sees it: resized and cut to `size`, with the rounding of
/// torchvision and, where what is to be covered is not square, of timm's ResizeKeepRatio.
Image fit(const Image& image, const Preprocessing& how);

/// Writes (v / 255 - mean) / std of an image into `out`, [3, height, width], in the f32 steps of
/// torchvision's ToTensor and Normalize.
void normalize(const Image& image, const Preprocessing& how, std::span<float> out);

/// One image ready for a model: turned, fit and normalised, [1, 3, height, width].
Tensor to_tensor(const Image& image, const Preprocessing& how);

}  // namespace data
