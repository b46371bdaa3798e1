#pragma once

#include <string>

#include "tools/training/pretrained/model_source.h"

namespace training {

/// Writes a tuned model as a checkpoint that stands alone: `tensors`, its state with all that its method
/// added folded in, under the names of its base, with what else the base's file has; of a .npz, or where the
/// base is random, under timm's. Metadata say what the tensors do not, so that load_model() of the file alone
/// gives the same model; the licence is the one that `base`, what --model named, states.
void write_merged(const std::string& out, const LoadedModel& tuned, engine::NamedTensors tensors,
                  const std::string& base);

}  // namespace training
