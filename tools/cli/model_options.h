#pragma once

#include "tools/cli/option_table.h"
#include "tools/training/train_config.h"

namespace cli {

// Declarations that several commands share.

/// Where the model comes from and how its images are prepared.
void declare_base(OptionTable& table, training::ModelSource& model);

/// The same, the seed and the threads.
void declare_model(OptionTable& table, training::ModelSource& model);

/// --threads.
void declare_threads(OptionTable& table, Index& threads);

/// Where the images come from.
void declare_data(OptionTable& table, training::DataSource& data);

/// What is done about images that are bad and classes that are empty.
void declare_screening(OptionTable& table, training::DataSource& data);

/// --delta and --force.
void declare_delta(OptionTable& table, std::string& delta, bool& force);

/// --threads of a command that computes nothing in parallel.
void declare_ignored_threads(OptionTable& table, Index& threads);

}  // namespace cli
