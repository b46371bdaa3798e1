#include "tools/training/run_recorder.h"

#include <nlohmann/json.hpp>

#include "tools/training/checkpoint.h"
#include "tools/training/evaluate.h"
#include "tools/training/partial_scores.h"

namespace training {

void record_run(Events& events, RunFolder& folder, const std::string& config,
                const std::shared_ptr<ImageContents>& contents) {
  // What a state was made of must be safe before the state is.
  const auto keep_record = [&folder, contents] {
    folder.sync_log();
    folder.add_images(contents->new_lines());
  };
  subscribe(events.on_score, [&folder](const ScoreEvent& e) {
    folder.log({{"kind", "score"}, {"batch", e.batch}, {"loss", e.loss}});
  });
  subscribe(events.on_partial_scores, [&folder, config, keep_record](const PartialScoresEvent& e) {
    keep_record();
    save_partial_scores(folder.file(kPartialScoresFile), config, e.batches, e.parameters);
  });
  subscribe(events.on_step, [&folder](const StepEvent& e) {
    folder.log({{"kind", "step"},
                {"step", e.step},
                {"epoch", e.epoch},
                {"loss", e.loss},
                {"penalty", e.penalty},
                {"lr", e.lr},
                {"images_per_s", e.images_per_s}});
  });
  subscribe(events.on_eval, [&folder](const EvalEvent& e) {
    folder.log({{"kind", "eval"},
                {"epoch", e.epoch},
                {"split", e.split},
                {"loss", e.result.loss},
                {"top1", e.result.top1},
                {"top5", e.result.top5},
                {"step", e.step}});
  });
  subscribe(events.on_checkpoint, [&folder, config, keep_record](const TrainingState& state) {
    keep_record();
    write_checkpoint(folder.file(kCheckpointFile), state, config, folder.file(kFormerCheckpointFile));
  });
}

}  // namespace training
