#include "tools/training/checkpoint.h"

#include "engine/base/text.h"
#include "peft/delta.h"
#include "tools/training/usage_error.h"

namespace training {

using engine::NamedTensors;

namespace {

constexpr const char *kModel = "model.", *kTrains = "trains.", *kMethod = "method.",
                     *kOptimizer = "optimizer.", *kEma = "ema.", *kBest = "best.";

void append(engine::NamedTensors& all, const std::string& prefix, const NamedTensors& some) {
  for (const auto& [name, tensor] : some) all.emplace_back(prefix + name, tensor);
}

}  // namespace

void write_checkpoint(const std::filesystem::path& path, const TrainingState& state,
                      const std::string& config, const std::filesystem::path& former) {
  engine::NamedTensors all;
  append(all, kModel, peft::delta_of(state.model, state.method.moved(state.model)));
  append(all, kTrains, peft::part_tensors(peft::trained_parts(state.model)));
  append(all, kMethod, state.method.state());
  append(all, kOptimizer, state.optimizer.state());
  if (state.ema) append(all, kEma, state.ema->state());
  append(all, kBest, state.reached.best);
  write_sealed(path, all,
               {{"format", "espalier-checkpoint"},
                {"version", "3"},
                {"step", std::to_string(state.reached.step)},
                {"judged", std::to_string(state.reached.evaluated)},
                {"best_top1", engine::exact(state.reached.best_top1)},
                {"config", config}},
               former);
}

Checkpoint::Checkpoint(const std::filesystem::path& path) : file_(path, "espalier-checkpoint") {
  const std::string& name = file_.file().path();
  engine::check(file_.stored("version") == "3", name + ": is not a checkpoint of version 3");
  state_.step = engine::parse_integer(file_.stored("step"), name + ": step");
  state_.evaluated = engine::parse_integer(file_.stored("judged"), name + ": judged");
  state_.best_top1 = engine::parse_number(file_.stored("best_top1"), name + ": best_top1");
  state_.best = file_.tensors_with(kBest);
  engine::check(state_.step >= 0 && state_.evaluated >= 0 && state_.evaluated <= state_.step, name + ": step",
                state_.step, "of which", state_.evaluated, "were evaluated makes no sense");
}

std::optional<Checkpoint> Checkpoint::newest(const RunFolder& folder, const RunIdentity& identity,
                                             const Events& events) {
  std::string complaint;
  for (const char* name : {kCheckpointFile, kFormerCheckpointFile}) {
    const auto path = folder.file(name);
    if (!std::filesystem::exists(path)) continue;
    try {
      Checkpoint checkpoint(path);
      identity.check(path.string(), checkpoint.file_.stored("config"));
      return checkpoint;
    } catch (const UsageError&) {
      throw;
    } catch (const engine::Error& e) {
      events.on_note(std::string("note: passed over ") + e.what());
      complaint = e.what();
    }
  }
  engine::check(complaint.empty(),
                complaint + "; no checkpoint of the run is whole: start over with --overwrite");
  return std::nullopt;
}

void Checkpoint::restore(models::Vit& model, peft::Method& method) const {
  const peft::PartsByName trained = peft::read_parts(file_.file(), kTrains);
  method.restore(model, trained, file_.tensors_with(kMethod));
  peft::apply_delta(model, file_.file(), kModel);
  peft::train_only(model, trained);
}

void Checkpoint::restore(engine::Optimizer& optimizer, engine::Ema* ema) const {
  optimizer.load_state(file_.tensors_with(kOptimizer));
  if (ema) ema->load_state(file_.tensors_with(kEma));
}

}  // namespace training
