#pragma once

#include <nlohmann/json.hpp>

namespace experiments {

/// A comparison of two methods on two tasks, as compare.json has it.
inline nlohmann::ordered_json sample_comparison() {
  return nlohmann::ordered_json::parse(R"({
    "format": "espalier-compare", "version": 1, "espalier": "0.1.0",
    "settings": {"arch": "vit_tiny", "epochs": 5, "seeds": [0, 1]},
    "methods": [{"label": "grft rows", "method": "grft", "options": {"axis": "row"}, "lrs": [0.001, 0.003]}],
    "tasks": [{"name": "flowers", "data": "d", "classes": 5, "train": 800, "val": 200, "test": 1500},
              {"name": "signs", "data": "e", "classes": 10, "train": 800, "val": 200, "test": 1062}],
    "runs": [
      {"task": "flowers", "method": "grft rows", "lr": 0.001, "seed": 0, "stage": "search", "val_top1": 61.5, "val_loss": 1},
      {"task": "flowers", "method": "grft rows", "lr": 0.001, "seed": 0, "stage": "final", "test_top1": 70.25}],
    "table": [
      {"method": "grft rows", "lr": {"flowers": 0.001, "signs": null},
       "accuracy": {"flowers": {"mean": 70.25, "sd": 0.5, "seeds": 2}, "signs": null}, "mean": null, "rank": 1.5,
       "trainable": 5525381, "percent": 1.05, "delta_bytes": 241716, "seconds_per_epoch": 12.5, "peak_mb": 342,
       "score_seconds": 4.25}],
    "pairs": [{"a": "grft rows", "b": "linear", "tasks": 2, "mean_difference": 2.5, "wins": 2, "losses": 0, "ties": 0, "p": 0.5}]
  })");
}

}  // namespace experiments
