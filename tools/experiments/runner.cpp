#include "tools/experiments/runner.h"

#include <utility>

#include "engine/base/text.h"
#include "tools/experiments/compared_run.h"
#include "tools/experiments/comparison_folder.h"

namespace experiments {

namespace fs = std::filesystem;
using engine::Json;

namespace {

constexpr int kRefused = 2;  // exit status of a run whose arguments do not fit what there is

Json methods_json(const std::vector<ComparedMethod>& methods) {
  Json all = Json::array();
  for (const ComparedMethod& m : methods)
    all.push_back({{"label", m.label}, {"method", m.method}, {"options", m.options}, {"lrs", m.rates}});
  return all;
}

Json tasks_json(const std::vector<Task>& tasks) {
  Json all = Json::array();
  for (const Task& task : tasks) {
    const data::Splits& s = task.splits;
    all.push_back({{"name", task.name},
                   {"data", task.folder},
                   {"classes", s.classes.size()},
                   {"train", s.train->size()},
                   {"val", s.val ? s.val->size() : 0},
                   {"test", s.test->size()}});
  }
  return all;
}

}  // namespace

std::vector<PlannedRun> plan_of(const ComparisonConfig& config) {
  std::vector<std::vector<double>> rates;
  for (const ComparedMethod& method : config.methods) rates.push_back(method.rates);
  return plan_runs(config.tasks.size(), rates, config.seeds);
}

std::string describe(const ComparisonConfig& config, const PlannedRun& run) {
  const ComparedMethod& method = config.methods[run.method];
  std::vector<std::string> rates;
  for (double lr : method.rates) rates.push_back(engine::shortest(lr));
  return engine::say(name_of(run.stage) + ",", config.tasks[run.task].name + ",", method.label + ",",
                     run.lr ? "lr " + engine::shortest(*run.lr) : "best lr of " + engine::join(rates, "/"),
                     "seed", run.seed);
}

fs::path run_folder(const ComparisonConfig& config, const PlannedRun& run, double lr) {
  return config.out /
         run_path(config.tasks[run.task].name, config.methods[run.method].label, lr, run.seed, run.stage);
}

Runner::Runner(ComparisonConfig config, RunnerHooks hooks)
    : config_(std::move(config)),
      hooks_(std::move(hooks)),
      plan_(plan_of(config_)),
      records_(plan_.size()),
      failed_(plan_.size()) {}

std::optional<std::string> Runner::make_runs() {
  const ComparisonFolder folder(config_.out);
  for (std::size_t i = 0; i < plan_.size(); ++i) look_for(i);
  folder.write(json());
  std::vector<std::string> failed;
  for (std::size_t i = 0; i < plan_.size(); ++i) {
    if (records_[i]) continue;
    const std::string title =
        engine::say("run", i + 1, "of", std::to_string(plan_.size()) + ":", describe(config_, plan_[i]));
    make_run(i, title);
    if (records_[i]) folder.write(json());
    if (hooks_.stop_signal() != 0) return title;
    if (failed_[i]) failed.push_back(describe(config_, plan_[i]));
  }
  engine::check(failed.empty(), failed.size(), "of", plan_.size(),
                "runs failed (" + engine::join(failed, "; ") + "); the same command tries them again");
  return std::nullopt;
}

Json Runner::json() const {
  std::vector<RunRecord> runs;
  for (const auto& record : records_)
    if (record) runs.push_back(*record);
  return comparison_json({{"settings", config_.settings},
                          {"methods", methods_json(config_.methods)},
                          {"tasks", tasks_json(config_.tasks)}},
                         runs);
}

/// True for the searches that decide on the learning rate of a final run.
bool Runner::decides(const PlannedRun& search, const PlannedRun& run) const {
  return search.stage == Stage::search && search.task == run.task && search.method == run.method;
}

/// The learning rate of a run; nothing while it is still to be searched for, or when all searches failed.
std::optional<double> Runner::rate_of(const PlannedRun& run) const {
  if (run.lr) return run.lr;
  std::vector<RunRecord> searches;
  for (std::size_t i = 0; i < plan_.size(); ++i) {
    if (!decides(plan_[i], run)) continue;
    if (records_[i])
      searches.push_back(*records_[i]);
    else if (!failed_[i])
      return std::nullopt;
  }
  return choose_rate(searches);
}

/// Takes the record of a finished run and removes the run's checkpoints; false when there is none.
bool Runner::look_for(std::size_t i) {
  const PlannedRun& run = plan_[i];
  const auto lr = rate_of(run);
  if (!lr) return false;
  const fs::path folder = run_folder(config_, run, *lr);
  records_[i] = read_run(folder, hooks_.identity(run, *lr),
                         {.task = config_.tasks[run.task].name,
                          .method = config_.methods[run.method].label,
                          .lr = *lr,
                          .seed = run.seed,
                          .stage = run.stage});
  if (!records_[i]) return false;
  remove_checkpoints(folder);
  return true;
}

void Runner::make_run(std::size_t i, const std::string& title) {
  const PlannedRun& run = plan_[i];
  const auto lr = rate_of(run);
  if (!lr) return fail(i, "every run of its learning-rate search failed");
  if (look_for(i)) return;  // its learning rate was not known before
  hooks_.note(title + (run.lr ? "" : " (" + engine::shortest(*lr) + ")"));
  const ChildEnd end = start(run, *lr);
  if (end.status == 0 && look_for(i)) {
    hooks_.note(engine::say(" ", run.stage == Stage::search ? "val" : "test",
                            engine::fixed(records_[i]->top1, 2), "%,", engine::fixed(records_[i]->seconds, 1),
                            "s"));
  } else if (hooks_.stop_signal() == 0) {
    fail(i, end.error.empty() ? engine::say("exited with status", end.status) : end.error);
  }
}

/// Starts a run, or resumes the one in its folder; one that cannot be resumed starts over.
ChildEnd Runner::start(const PlannedRun& run, double lr) {
  std::vector<std::string> arguments = hooks_.arguments(run, lr);
  const fs::path folder = run_folder(config_, run, lr);
  if (fs::exists(folder / "metrics.jsonl"))
    arguments.emplace_back(is_run_of(folder, hooks_.identity(run, lr)) ? "--resume" : "--overwrite");
  const ChildHooks child{[this](const std::string& line) { pass_on(line); }, hooks_.stop_signal};
  const ChildEnd end = hooks_.start(arguments, child);
  if (end.status != kRefused || arguments.back() != "--resume") return end;
  arguments.back() = "--overwrite";  // it was started on other images
  return hooks_.start(arguments, child);
}

void Runner::fail(std::size_t i, const std::string& why) {
  failed_[i] = true;
  hooks_.note("failed: " + describe(config_, plan_[i]) + ": " + why);
}

/// Shows a line of a run; a note that several runs have is shown once.
void Runner::pass_on(const std::string& line) {
  if (!line.starts_with("note: ") || shown_.insert(line).second) hooks_.note("  " + line);
}

}  // namespace experiments
