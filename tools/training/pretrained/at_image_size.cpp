#include "tools/training/pretrained/at_image_size.h"

#include "engine/nn/roles.h"
#include "engine/nn/state.h"
#include "models/positions.h"

namespace training {

AtImageSize::AtImageSize(models::Vit& model, engine::Index size) : model_(model), before_(model.config()) {
  if (size == 0 || (size == before_.image_height && size == before_.image_width)) return;
  models::at_image_size(before_, size, size);
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
  models::resize(model, size, size);
}

AtImageSize::~AtImageSize() {
  if (model_.config() != before_)
    model_.resize(before_.image_height, before_.image_width, positions_, bias_tables_);
}

}  // namespace training
