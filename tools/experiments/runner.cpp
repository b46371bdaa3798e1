#include "tools/experiments/runner.h"

#include <algorithm>
#include <utility>

#include "engine/base/text.h"
#include "tools/experiments/compared_run.h"
#include "tools/experiments/comparison_folder.h"
#include "tools/training/run_cost.h"
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
  std::vector<PlannedRun> plan = plan_runs(config.tasks.size(), rates, config.seeds);
  if (config.part)
    std::erase_if(plan, [&](const PlannedRun& run) {
      return !config.part->has(run.task, run.method, config.methods.size());
    });
  return plan;
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
  const ComparisonFolder folder(config_.out, config_.part);
  for (std::size_t i = 0; i < plan_.size(); ++i) look_for(i);
  settle_searches();
  if (!config_.overwrite) refuse_other_runs();
  // Earlier tables, which may be of other methods or options, stay until there is a result to show.
  const auto made = [this] {
    return std::ranges::count_if(records_, [](const auto& r) { return r.has_value(); });
  };
  const bool complete = made() == std::ssize(records_);
  if (complete || !folder.has_tables()) folder.write(json());
  while (const auto next = this->next()) {
    const std::string title = title_of(*next);
    const auto before = made();
    make(*next, title);
    if (made() > before) folder.write(json());
    if (hooks_.stop_signal() != 0) return title;
  }
  std::vector<std::string> failed;
  for (std::size_t i = 0; i < plan_.size(); ++i)
    if (failed_[i]) failed.push_back(describe(config_, plan_[i]));
  engine::check(failed.empty(), failed.size(), "of", plan_.size(),
                "runs failed (" + engine::join(failed, "; ") +
                    (failed_ == diverged_ ? "): they have diverged and would again; other rates are needed"
                                          : "); the same command tries them again"));
  return std::nullopt;
}

/// The first run of the plan that is neither made nor failed; of a search by halving, what it needs first.
std::optional<Runner::Next> Runner::next() const {
  for (std::size_t i = 0; i < plan_.size(); ++i) {
    if (records_[i] || failed_[i]) continue;
    if (!is_halved(plan_[i])) return Next{i};
    const std::vector<std::size_t> searches = searches_with(i);
    if (const auto first = halving_of(searches).next)
      return Next{searches[first->contender], first->pause_after};
  }
  return std::nullopt;
}

std::string Runner::title_of(const Next& next) const {
  const PlannedRun& run = plan_[next.run];
  std::string title =
      engine::say("run", next.run + 1, "of", std::to_string(plan_.size()) + ":", describe(config_, run));
  if (!is_halved(run)) return title;
  const Index epochs = hooks_.epochs(run, *run.lr);
  return title + engine::say(", up to epoch", next.pause_after > 0 ? next.pause_after : epochs, "of", epochs);
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

/// What is known of a run before it is made.
RunRecord Runner::blank_record(const PlannedRun& run, double lr) const {
  return {.task = config_.tasks[run.task].name,
          .method = config_.methods[run.method].label,
          .lr = lr,
          .seed = run.seed,
          .stage = run.stage};
}

/// Takes the record of a finished run; false when there is none.
bool Runner::take_record(std::size_t i) {
  const PlannedRun& run = plan_[i];
  const auto lr = rate_of(run);
  if (!lr) return false;
  const fs::path folder = run_folder(config_, run, *lr);
  const auto found = differences_of(run, *lr);
  if (!found || !found->empty()) return false;
  records_[i] = read_run(folder, hooks_.identity(run, *lr), blank_record(run, *lr));
  if (!records_[i]) return false;
  if (records_[i]->diverged && run.stage == Stage::final) {
    records_[i].reset();
    diverged_[i] = true;
    fail(i, "it has diverged; a run of the same options would again");
    return false;
  }
  return true;
}

bool Runner::is_halved(const PlannedRun& run) const {
  return run.stage == Stage::search && config_.search == Search::halving;
}

/// The places of the runs of the search that has this one.
std::vector<std::size_t> Runner::searches_with(std::size_t i) const {
  std::vector<std::size_t> all;
  for (std::size_t other = 0; other < plan_.size(); ++other)
    if (decides(plan_[other], plan_[i])) all.push_back(other);
  return all;
}

/// Where the runs of a search stand, as their folders and this process know.
Halving Runner::halving_of(const std::vector<std::size_t>& searches) const {
  std::vector<Contender> contenders;
  for (const std::size_t i : searches) {
    const PlannedRun& run = plan_[i];
    const auto found = differences_of(run, *run.lr);
    Contender contender{.lr = *run.lr};
    if (found && found->empty()) contender = read_contender(run_folder(config_, run, *run.lr), *run.lr);
    contender.diverged = records_[i] && records_[i]->diverged;
    contender.finished = records_[i] && !records_[i]->diverged && records_[i]->stopped_after == 0;
    contender.failed = failed_[i] != 0;
    contenders.push_back(std::move(contender));
  }
  const PlannedRun& first = plan_[searches.front()];
  return halve(contenders, rungs_of(hooks_.epochs(first, *first.lr)));
}

/// Takes the records of the runs that a search by halving has stopped; returns the places of those that were
/// not known to be.
std::vector<std::size_t> Runner::settle(const std::vector<std::size_t>& searches) {
  const Halving halving = halving_of(searches);
  std::vector<std::size_t> stopped;
  for (std::size_t place = 0; place < searches.size(); ++place) {
    const std::size_t i = searches[place];
    if (halving.stopped_after[place] == 0 || records_[i]) continue;
    const PlannedRun& run = plan_[i];
    records_[i] = read_stopped(run_folder(config_, run, *run.lr), hooks_.identity(run, *run.lr),
                               blank_record(run, *run.lr), halving.stopped_after[place]);
    if (records_[i])
      stopped.push_back(i);
    else
      fail(i, "what it left at its pause cannot be read");
  }
  return stopped;
}

void Runner::settle_searches() {
  for (std::size_t i = 0; i < plan_.size(); ++i)
    if (is_halved(plan_[i]) && searches_with(i).front() == i) settle(searches_with(i));
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
  settle_searches();
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

void Runner::make(const Next& next, const std::string& title) {
  const std::size_t i = next.run;
  const PlannedRun& run = plan_[i];
  const auto lr = rate_of(run);
  if (!lr) return fail(i, "every run of its learning-rate search failed");
  if (look_for(i) || failed_[i]) return;  // its learning rate was not known before
  hooks_.note(title + (run.lr ? "" : " (" + engine::shortest(*lr) + ")"));
  const ChildEnd end = start(next, *lr);
  const fs::path folder = run_folder(config_, run, *lr);
  const bool ended = end.status == 0 || fs::exists(folder / training::kDivergedFile);
  const auto pause = training::Pause::in(folder);
  if (ended && look_for(i)) {
    const char* const split = run.stage == Stage::search ? "val" : "test";
    hooks_.note(records_[i]->diverged ? "  diverged, which is the worst result of a search: " + end.error
                                      : engine::say(" ", split, engine::fixed(records_[i]->top1, 2), "%,",
                                                    engine::fixed(records_[i]->seconds, 1), "s"));
  } else if (end.status == 0 && next.pause_after > 0 && pause && pause->epoch >= next.pause_after) {
    hooks_.note(engine::say("  paused after epoch", std::to_string(pause->epoch) + ",",
                            engine::fixed(pause->cost.seconds, 1), "s"));
  } else if (hooks_.stop_signal() == 0 && !failed_[i]) {
    fail(i, end.error.empty() ? engine::say("exited with status", end.status) : end.error);
  }
  if (!is_halved(run)) return;
  for (const std::size_t stopped : settle(searches_with(i)))
    hooks_.note(engine::say("  lr", engine::shortest(*plan_[stopped].lr), "stops after epoch",
                            std::to_string(records_[stopped]->stopped_after) + ": val",
                            engine::fixed(records_[stopped]->top1, 2), "%"));
}

/// Starts a run, or resumes the one in its folder; one that differs starts over.
ChildEnd Runner::start(const Next& next, double lr) {
  const PlannedRun& run = plan_[next.run];
  std::vector<std::string> arguments = hooks_.arguments(run, lr);
  if (fs::exists(run_folder(config_, run, lr) / "metrics.jsonl")) {
    const auto found = differences_of(run, lr);
    arguments.emplace_back(config_.overwrite && found && !found->empty() ? "--overwrite" : "--resume");
  }
  if (next.pause_after > 0) arguments.push_back("--pause-after-epoch=" + std::to_string(next.pause_after));
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
