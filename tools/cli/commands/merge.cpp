#include <algorithm>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "engine/autograd/record.h"
#include "engine/base/text.h"
#include "engine/io/safetensors.h"
#include "engine/tensor/random.h"
#include "engine/tensor/storage.h"
#include "peft/adapters/merge.h"
#include "tools/cli/command_line.h"
#include "tools/cli/commands/commands.h"
#include "tools/cli/console.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/model_options.h"
#include "tools/cli/output_files.h"
#include "tools/training/pretrained/merged_file.h"
#include "tools/training/tuned_model.h"
#include "tools/training/usage_error.h"

namespace cli {

using engine::Tensor;
using nlohmann::ordered_json;

namespace {

constexpr Index kProbe = 4;  // images in the probe batch

/// The largest difference of the logits of two models on a batch of random images.
double largest_difference(models::Vit& a, models::Vit& b, std::uint64_t seed) {
  const engine::NoGrad no_grad;
  engine::Random random(seed, engine::Random::Use::test);
  const auto& c = a.config();
  const Tensor probe = engine::normal({kProbe, c.channels, c.image_height, c.image_width}, random, 1);
  const Tensor x = a(probe), y = b(probe);
  double largest = 0;
  for (std::size_t i = 0; i < x.data<float>().size(); ++i) {
    largest = std::max(largest, static_cast<double>(std::abs(x.data<float>()[i] - y.data<float>()[i])));
  }
  return largest;
}

/// The tensors in buffers of their own, so that no later change reaches them.
engine::NamedTensors copied(engine::NamedTensors state) {
  for (auto& [name, tensor] : state) tensor = tensor.clone();
  return state;
}

}  // namespace

void run_merge(Arguments arguments) {
  training::ModelSource model;
  std::string delta, out;
  bool force = false, json = false, no_memory_check = false;
  Checks checks;
  CommandLine line("merge", "Merges a base and a delta into a stand-alone checkpoint.",
                   "espalier merge --model vit_base.safetensors --delta runs/flowers/delta.safetensors --out "
                   "flowers.safetensors");
  OptionTable& table = line.table;
  declare_model(table, model);
  table.group("Delta and result");
  declare_delta(table, delta, force);
  table.output("out", out, "FILE", "checkpoint to write");
  table.flag("json", json, "print the result as one JSON object").this_call();
  declare_memory_check(table, no_memory_check);
  declare_checks(table, checks);
  if (!line.parse(arguments)) return;
  model.check();
  if (delta.empty() || out.empty())
    throw training::UsageError("merge: --delta FILE and --out FILE are needed");
  check_outputs(table);

  note_signals();
  const training::Events events{.on_note = note};
  training::LoadedModel tuned = training::load_tuned_model(model, delta, force, events);
  training::MemoryEstimate memory = training::estimate_inference(tuned.model.config(), kProbe);
  memory.copies = 3 * engine::live_bytes();  // a copy of all weights, the base again, and the merged model
  check_inference_memory(memory, no_memory_check);
  if (checks.dry_run) {
    std::cout << "all checks passed: " << delta << " fits " << model.model << '\n';
    return;
  }
  check_interrupted("before anything was written");
  peft::MergedAdapters adapters(tuned.model);
  engine::NamedTensors tensors = copied(engine::state(tuned.model));
  adapters.undo();  // to compare
  for (const auto& [name, tensor] : tensors) engine::check_finite(tensor, tensor.dtype(), "merged " + name);
  check_interrupted("before anything was written");
  training::write_merged(out, tuned, std::move(tensors), model.model);
  check_interrupted("after " + out + " was written");
  training::ModelSource again;
  again.model = out;
  again.seed = model.seed, again.threads = model.threads;
  training::LoadedModel merged = training::load_model(again);  // what there is to note was noted
  const double difference =
      largest_difference(tuned.model, merged.model, static_cast<std::uint64_t>(model.seed));
  if (json) {
    const ordered_json result{
        {"largest_difference", difference}, {"out", out}, {"bytes", std::filesystem::file_size(out)}};
    print_json(result);
    return;
  }
  std::cout << "largest difference of the logits on a probe batch: " << difference << "\nwritten: " << out
            << '\n';
}

}  // namespace cli
