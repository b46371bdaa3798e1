// 03: fine-tuning by GRFT from a program of your own.  example_03_finetune MODEL DATA DELTA
//
// DELTA has the same bytes as the RUN/delta.safetensors that this command writes:
//   espalier tune --model MODEL --data DATA --out RUN
//     --method grft --k 2 --anchor 0 --batch-size 32 --steps 8 --lr 0.01
// `espalier eval --model MODEL --delta DELTA --data DATA` takes it.
#include <exception>
#include <iostream>
#include <string>

#include "engine/base/text.h"
#include "tools/training/trainer.h"

namespace {

training::TrainConfig config_of(const std::string& model, const std::string& data) {
  training::TrainConfig config;  // every field has the default of `espalier tune`
  config.model.model = model;
  config.data.data = data;
  config.method = "grft";
  config.method_options = {{"k", "2"}, {"anchor", "0"}};
  config.batch_size = 32;
  config.steps = 8;
  config.lr = 0.01;
  config.check();
  return config;
}

/// The library prints nothing; whoever calls it decides what becomes of its events.
training::Events printed() {
  training::Events events;
  events.on_note = [](const std::string& line) { std::cerr << line << '\n'; };
  events.on_score = [](const training::ScoreEvent& e) {
    std::cout << "scoring batch " << e.batch + 1 << ": loss " << e.loss << '\n';
  };
  events.on_step = [](const training::StepEvent& e) {
    std::cout << "step " << e.step + 1 << " of " << e.steps << ": loss " << e.loss << '\n';
  };
  events.on_eval = [](const training::EvalEvent& e) {
    std::cout << e.split << " after step " << e.step << ": top-1 " << e.result.top1 << " %\n";
  };
  return events;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    engine::check(argc == 4, "usage: example_03_finetune MODEL DATA DELTA");
    const training::TrainConfig config = config_of(argv[1], argv[2]);
    const training::Events events = printed();

    training::Run run = training::open_run(config, {"train", "val", "test"}, events);
    training::score_and_select(run, config, events);
    training::Trainer(run, config, events).train();
    training::write_delta(argv[3], run, config);

    if (run.splits.test)
      std::cout << "test: top-1 " << training::evaluate(run, "test", config, events).top1 << " %\n";
  } catch (const std::exception& e) {
    std::cerr << "example_03_finetune: " << engine::one_line(e.what()) << '\n';
    return 1;
  }
}
