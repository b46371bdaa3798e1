#pragma once

#include "engine/io/safetensors.h"
#include "engine/nn/state.h"
#include "models/vit.h"
#include "tests/end_to_end/program.h"

namespace end_to_end {

using engine::Index;

/// A checkpoint, images and a folder to work in, all small: what most tests run the program on.
///   model.safetensors   16 x 16 images in patches of 8, width 24, 2 blocks, 3 heads, a head of 5 classes
///   data/<split>/<class>/<n>.ppm   three classes by colour; 6, 3 and 3 images of each in train, val, test
class Garden : public Folder {
 public:
  static constexpr Index kClasses = 3, kTrain = 6, kVal = 3, kTest = 3;

  Garden();
  std::string model() const { return *this / "model.safetensors"; }
  std::string data() const { return *this / "data"; }
  /// Where a run is written to.
  std::string run_folder(const std::string& name = "run") const { return *this / ("runs/" + name); }

  /// `--model M --data D --method METHOD`, with small batches and few steps.
  Words job(const std::string& method) const;
  /// `tune` with this job into run_folder(name) and further words; a test failure when it fails.
  Outcome tune(const std::string& method, const Words& more = {}, const std::string& name = "run") const;
};

/// The sizes of the checkpoint.
models::VitConfig small_config();
/// A checkpoint with random weights, timm's names and the number of heads in its metadata.
engine::NamedTensors small_state(const models::VitConfig& config = small_config(), std::uint64_t seed = 1);
/// Writes it, in place of a file that is there.
void write_model(const fs::path& path, const engine::NamedTensors& state,
                 const engine::Metadata& metadata = {{"num_heads", "3"}});
/// The tensor of that name in a state, to be changed.
engine::Tensor& tensor_of(engine::NamedTensors& state, const std::string& name);

/// A PPM image in a colour that its class decides, with some noise of its own.
std::string image(Index which_class, Index number);
/// DIR/<class>/<n>.ppm for `count` images of every class.
void write_images(const fs::path& dir, const Words& classes, Index count, Index first_number = 0);

/// The bits of a tensor in a file.
std::string bits_of(const engine::Safetensors& file, const std::string& name);

}  // namespace end_to_end
