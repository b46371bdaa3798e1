#pragma once

#include "models/vit.h"

namespace models {

/// The size of a grid of patches.
struct Grid {
  Index down, across;
  bool operator==(const Grid&) const = default;
};

/// A position embedding [1, prefix + patches, width] of one grid for another: the prefix is kept, the entries
/// of patches are resampled. f32.
engine::Tensor resize_positions(const engine::Tensor& positions, Index prefix, Grid from, Grid to,
                                Resampling how);

/// A table of biases by relative positions [entries, heads] of one grid for another; the three entries of the
/// class token are kept. Resampling::bicubic_antialias, timm's, interpolates linearly at places that widen
/// geometrically from the middle, every other way bilinearly, as Hugging Face does. f32.
engine::Tensor resize_bias_table(const engine::Tensor& table, Grid from, Grid to, Resampling how);

/// The config of a model that is `made` for images of another size. Throws an Error unless patches fill the
/// image (rows and columns beyond the last patch are not seen by a model that was made so, but by no other),
/// and for what is not square where positions are resized as torchvision does.
VitConfig at_image_size(const VitConfig& made, Index image_height, Index image_width);

/// Makes the model one for images of another size: position embeddings and tables of relative positions are
/// resampled as its config says. f32.
void resize(Vit& model, Index image_height, Index image_width);

}  // namespace models
