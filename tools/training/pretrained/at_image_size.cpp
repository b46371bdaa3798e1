#include "tools/training/pretrained/at_image_size.h"

#include "engine/nn/roles.h"
#include "engine/nn/state.h"
#include "models/positions.h"

namespace training {

data::ImageSize image_size_of(const models::VitConfig& config) {
  return {config.image_height, config.image_width};
}

AtImageSize::AtImageSize(models::Vit& model, data::ImageSize size) : model_(model), before_(model.config()) {
  if (size == data::ImageSize() || size == image_size_of(before_)) return;
  models::at_image_size(before_, size.height, size.width);
  for (const auto& [name, parameter] : engine::parameters(model)) {
    const bool positions = name == engine::kPositionsName, table = name.ends_with(engine::kBiasTableName);
    if (!positions && !table) continue;
    engine::check(!parameter.accumulates(),
                  "--score-image-size: the positions of another size are others, so that", name,
                  "cannot be a target");
    if (positions)
      positions_ = parameter.value();
    else
      bias_tables_.push_back(parameter.value());
  }
  models::resize(model, size.height, size.width);
}

AtImageSize::~AtImageSize() {
  if (model_.config() != before_)
    model_.resize(before_.image_height, before_.image_width, positions_, bias_tables_);
}

}  // namespace training
