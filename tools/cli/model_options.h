#pragma once

#include "tools/cli/args.h"
#include "tools/training/train_config.h"

namespace cli {

/// Adds the shared options that say where the model, and how its images are prepared, comes from.
void add_model_options(Args& args, training::ModelSource& model);

/// Adds the shared options that say where the images come from.
void add_data_options(Args& args, training::DataSource& data);

/// Adds, of these, those that say what is done about images that are bad or missing.
void add_screening_options(Args& args, training::DataSource& data);

}  // namespace cli
