#pragma once

#include "tools/training/options/option_table.h"
#include "tools/training/train_config.h"

namespace training {

/// More threads than any machine has cores to run.
constexpr Index kMostThreads = 1024, kMostWorkers = 256;

// The declarations of all fields of a TrainConfig, in the parts that commands take. The command line, its
// help, config.json, the identity of a run and TrainConfig::check() are made from them.

/// Where the model comes from and how its images are prepared.
void declare_base(OptionTable& table, ModelSource& model);
/// The same, the seed and the threads.
void declare_model(OptionTable& table, ModelSource& model);
/// --threads.
void declare_threads(OptionTable& table, Index& threads);
/// Where the images come from.
void declare_data(OptionTable& table, DataSource& data);
/// What is done about images that are bad and classes that are empty.
void declare_screening(OptionTable& table, DataSource& data);

/// Model, data, method and how images are read: all that scoring needs.
void declare_selection(OptionTable& table, TrainConfig& config);
/// How images are read and how the head begins.
void declare_reading(OptionTable& table, TrainConfig& config);
/// Which layers may train: --freeze-blocks and --select-blocks.
void declare_depth(OptionTable& table, TrainConfig& config);
/// How it is trained, and how often it is evaluated; not --lr, in whose place a comparison has --lrs.
void declare_training(OptionTable& table, TrainConfig& config);
/// The learning rate, which weights are kept and whether they are tested.
void declare_keeping(OptionTable& table, TrainConfig& config);
/// How often it is saved, and the instruction set.
void declare_handling(OptionTable& table, TrainConfig& config);
/// All of them.
void declare_config(OptionTable& table, TrainConfig& config);

}  // namespace training
