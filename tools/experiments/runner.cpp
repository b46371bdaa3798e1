#include "tools/experiments/runner.h"

#include <algorithm>
#include <utility>

#include "engine/base/text.h"
#include "tools/experiments/compared_run.h"
#include "tools/experiments/comparison_folder.h"
#include "tools/training/run_folder.h"
#include "tools/training/usage_error.h"

namespace experiments {

namespace fs = std::filesystem;
using engine::Json;

namespace {

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
      failed_(plan_.size()),
      diverged_(plan_.size()) {}

std::optional<std::string> Runner::make_runs() {
  const ComparisonFolder folder(config_.out);
  for (std::size_t i = 0; i < plan_.size(); ++i) look_for(i);
  if (!config_.overwrite) refuse_other_runs();
  // Earlier tables, which may be of other methods or options, stay until there is a result to show.
  const bool complete = std::ranges::all_of(records_, [](const auto& record) { return record.has_value(); });
  if (complete || !folder.has_tables()) folder.write(json());
  std::vector<std::string> failed;
  for (std::size_t i = 0; i < plan_.size(); ++i) {
    if (records_[i]) continue;
    if (failed_[i]) {
      failed.push_back(describe(config_, plan_[i]));
      continue;
    }
    const std::string title =
        engine::say("run", i + 1, "of", std::to_string(plan_.size()) + ":", describe(config_, plan_[i]));
    make_run(i, title);
    if (records_[i]) folder.write(json());
    if (hooks_.stop_signal() != 0) return title;
    if (failed_[i]) failed.push_back(describe(config_, plan_[i]));
  }
  engine::check(failed.empty(), failed.size(), "of", plan_.size(),
                "runs failed (" + engine::join(failed, "; ") +
                    (failed_ == diverged_ ? "): they have diverged and would again; other rates are needed"
                                          : "); the same command tries them again"));
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

/// Takes the record of a finished run; false when there is none.
bool Runner::take_record(std::size_t i) {
  const PlannedRun& run = plan_[i];
  const auto lr = rate_of(run);
  if (!lr) return false;
  const fs::path folder = run_folder(config_, run, *lr);
  const auto found = differences_of(run, *lr);
  if (!found || !found->empty()) return false;
  records_[i] = read_run(folder, hooks_.identity(run, *lr),
                         {.task = config_.tasks[run.task].name,
                          .method = config_.methods[run.method].label,
                          .lr = *lr,
                          .seed = run.seed,
                          .stage = run.stage});
  if (!records_[i]) return false;
  if (records_[i]->diverged && run.stage == Stage::final) {
    records_[i].reset();
    diverged_[i] = true;
    fail(i, "it has diverged; a run of the same options would again");
    return false;
  }
  return true;
}

/// The same, and removes the run's checkpoints.
bool Runner::look_for(std::size_t i) {
  if (!take_record(i)) return false;
  remove_checkpoints(run_folder(config_, plan_[i], *rate_of(plan_[i])));
  return true;
}

void Runner::check() {
  check_may_be_comparison(config_.out);
  for (std::size_t i = 0; i < plan_.size(); ++i) take_record(i);
  if (!config_.overwrite) refuse_other_runs();
}

/// How the run in the folder of a planned one differs from it; nothing where nothing is known of one.
std::optional<std::vector<std::string>> Runner::differences_of(const PlannedRun& run, double lr) const {
  const fs::path folder = run_folder(config_, run, lr);
  auto found = differences(folder, hooks_.identity(run, lr));
  if (found) {
    for (const std::string& image : hooks_.changed(run, folder)) found->push_back(image);
  }
  return found;
}

void Runner::refuse_other_runs() const {
  std::vector<std::string> texts;
  std::size_t runs = 0;
  for (std::size_t i = 0; i < plan_.size(); ++i) {
    const auto lr = rate_of(plan_[i]);
    if (!lr || records_[i]) continue;
    const auto found = differences_of(plan_[i], *lr);
    if (!found || found->empty()) continue;
    ++runs;
    for (const std::string& text : *found)
      if (std::ranges::find(texts, text) == texts.end()) texts.push_back(text);
  }
  if (runs > 0)
    throw training::UsageError(engine::say(
        config_.out.string() + ":", runs, runs == 1 ? "run was" : "runs were",
        "made with other options or data:",
        engine::join(texts, ", ") + "; give them as they were, or another --out, or --overwrite to make",
        runs == 1 ? "that run" : "those runs", "again"));
}

void Runner::make_run(std::size_t i, const std::string& title) {
  const PlannedRun& run = plan_[i];
  const auto lr = rate_of(run);
  if (!lr) return fail(i, "every run of its learning-rate search failed");
  if (look_for(i) || failed_[i]) return;  // its learning rate was not known before
  hooks_.note(title + (run.lr ? "" : " (" + engine::shortest(*lr) + ")"));
  const ChildEnd end = start(run, *lr);
  const bool ended = end.status == 0 || fs::exists(run_folder(config_, run, *lr) / training::kDivergedFile);
  if (ended && look_for(i)) {
    const char* const split = run.stage == Stage::search ? "val" : "test";
    hooks_.note(records_[i]->diverged ? "  diverged, which is the worst result of a search: " + end.error
                                      : engine::say(" ", split, engine::fixed(records_[i]->top1, 2), "%,",
                                                    engine::fixed(records_[i]->seconds, 1), "s"));
  } else if (hooks_.stop_signal() == 0 && !failed_[i]) {
    fail(i, end.error.empty() ? engine::say("exited with status", end.status) : end.error);
  }
}

/// Starts a run, or resumes the one in its folder; one that differs starts over.
ChildEnd Runner::start(const PlannedRun& run, double lr) {
  std::vector<std::string> arguments = hooks_.arguments(run, lr);
  if (fs::exists(run_folder(config_, run, lr) / "metrics.jsonl")) {
    const auto found = differences_of(run, lr);
    arguments.emplace_back(config_.overwrite && found && !found->empty() ? "--overwrite" : "--resume");
  }
  return hooks_.start(arguments, {.on_line = [this](const std::string& line) { pass_on(line); },
                                  .stop_signal = hooks_.stop_signal,
                                  .suspension = hooks_.suspension,
                                  .suspend = hooks_.suspend});
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
