#include "tools/checkpoint.h"

#include "engine/base/text.h"
#include "peft/delta.h"
#include "tools/args.h"
#include "tools/console.h"

namespace tools {

using engine::State;

namespace {

constexpr const char *kModel = "model.", *kOptimizer = "optimizer.", *kEma = "ema.", *kBest = "best.";

void append(engine::NamedTensors& all, const std::string& prefix, const State& some) {
  for (const auto& [name, tensor] : some) all.emplace_back(prefix + name, tensor);
}

std::string told(const engine::Safetensors& file, const std::string& key) {
  const auto found = file.metadata().find(key);
  engine::check(found != file.metadata().end(), file.path() + ": not a checkpoint: its metadata has no", key);
  return found->second;
}

}  // namespace

void save_checkpoint(const std::filesystem::path& path, models::Vit& model,
                     const engine::Optimizer& optimizer, const engine::Ema* ema, const RunState& state,
                     const std::string& config) {
  engine::NamedTensors all;
  append(all, kModel, peft::delta_of(model));
  append(all, kOptimizer, optimizer.state());
  if (ema) append(all, kEma, ema->state());
  append(all, kBest, state.best);
  engine::write_safetensors(path, all,
                            {{"format", "espalier-checkpoint"},
                             {"version", "1"},
                             {"step", std::to_string(state.step)},
                             {"best_top1", exact(state.best_top1)},
                             {"config", config}});
}

Checkpoint::Checkpoint(const std::filesystem::path& path, const std::string& config) : file_(path) {
  engine::check(told(file_, "format") == "espalier-checkpoint" && told(file_, "version") == "1",
                file_.path() + ": not a checkpoint of version 1");
  if (told(file_, "config") != config) {
    throw UsageError(file_.path() +
                     ": the run was started with other options; they are in config.json beside it. Start it "
                     "again with those, or with --overwrite");
  }
  state_.step = engine::parse_integer(told(file_, "step"), file_.path() + ": step");
  state_.best_top1 = engine::parse_number(told(file_, "best_top1"), file_.path() + ": best_top1");
  state_.best = tensors_with(kBest);
}

State Checkpoint::tensors_with(const std::string& prefix) const {
  State some;
  for (const std::string& name : file_.names()) {
    if (name.starts_with(prefix)) some.emplace_back(name.substr(prefix.size()), file_.read(name));
  }
  return some;
}

void Checkpoint::restore(models::Vit& model, peft::Method& method) const {
  method.restore(model, peft::read_parts(file_, kModel));
  peft::apply_delta(model, file_, kModel);
}

void Checkpoint::restore(engine::Optimizer& optimizer, engine::Ema* ema) const {
  optimizer.load_state(tensors_with(kOptimizer));
  if (ema) ema->load_state(tensors_with(kEma));
}

}  // namespace tools
