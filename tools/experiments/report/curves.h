#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

namespace experiments {

/// The curves in a run's metrics.jsonl, each as Thinned has it: `steps` (step, loss, penalty, lr),
/// `scores` (batch, loss), `choices` (batches, overlap, held in percent), `val` and `test` (step, loss,
/// top1), and `left_out`, how many lines are none of these. Throws an Error naming the file
/// when it cannot be read.
nlohmann::ordered_json read_curves(const std::filesystem::path& metrics);

}  // namespace experiments
