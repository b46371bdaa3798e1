#include "tools/training/pretrained/at_image_size.h"

#include "engine/nn/roles.h"
#include "engine/nn/state.h"
#include "models/positions.h"

namespace training {
namespace {

engine::Parameter positions_of(models::Vit& model) {
  for (const auto& [name, parameter] : engine::parameters(model))
    if (name == engine::kPositionsName) return parameter;
  return {};
}

}  // namespace

AtImageSize::AtImageSize(models::Vit& model, engine::Index size)
    : model_(model), size_(model.config().image_size) {
  if (size == 0 || size == size_) return;
  models::VitConfig config = model.config();
  config.image_size = size;
  models::check_config(config);
  const engine::Parameter positions = positions_of(model);
  engine::check(!positions.accumulates(),
                "--score-image-size: the positions of another size are others, so that",
                "pos_embed cannot be a target");
  before_ = positions.value();
  model.resize(size, models::resize_positions(before_, config.grid()));
}

}  // namespace training
