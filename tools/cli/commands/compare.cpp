#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/base/text.h"
#include "engine/io/atomic_file.h"
#include "engine/io/file_lock.h"
#include "engine/io/folder.h"
#include "engine/kernels/parallel.h"
#include "engine/tensor/storage.h"
#include "peft/methods.h"
#include "tools/cli/commands/commands.h"
#include "tools/cli/compare_options.h"
#include "tools/cli/console.h"
#include "tools/cli/interrupt.h"
#include "tools/experiments/child.h"
#include "tools/experiments/compared_run.h"
#include "tools/experiments/comparison_tables.h"
#include "tools/experiments/report/write.h"
#include "tools/training/job.h"
#include "tools/training/json_text.h"
#include "tools/training/usage_error.h"

namespace cli {

namespace fs = std::filesystem;
using engine::Json;

namespace {

constexpr int kCalledWrongly = 2;  // exit status
constexpr const char *kLock = "compare.lock", *kJson = "compare.json", *kMarkdown = "table.md",
                     *kCsv = "table.csv", *kReport = "report.html";

/// What of the model must be known when it is no longer in memory.
struct Base {
  std::string arch;
  Index image_size = 0;
  Json identity;
};

/// All runs of a comparison, and what they have shown.
class Comparison {
 public:
  Comparison(CompareOptions options, std::vector<MethodSpec> methods, std::vector<experiments::Task> tasks)
      : o_(std::move(options)), methods_(std::move(methods)), tasks_(std::move(tasks)) {
    std::vector<std::vector<double>> lrs;
    for (const MethodSpec& method : methods_) lrs.push_back(method.lrs);
    plan_ = experiments::plan_runs(tasks_.size(), lrs, o_.seeds);
    records_.resize(plan_.size());
    failed_.resize(plan_.size());
    check_words();
    load_base();
    engine::release_free_buffers();
  }

  void print_plan() const {
    for (const experiments::PlannedRun& run : plan_) std::cout << describe(run) << '\n';
  }

  /// Makes every run that is missing. Throws an Error that names those which failed.
  void make_runs() {
    take_folder();
    for (std::size_t i = 0; i < plan_.size(); ++i) look_for(i);
    write();
    for (std::size_t i = 0; i < plan_.size(); ++i) {
      if (!records_[i]) make_run(i);
    }
    std::vector<std::string> missing;
    for (std::size_t i = 0; i < plan_.size(); ++i)
      if (failed_[i]) missing.push_back(describe(plan_[i]));
    engine::check(missing.empty(), missing.size(), "of", plan_.size(),
                  "runs failed (" + engine::join(missing, "; ") + "); the same command tries them again");
  }

  Json json() const {
    std::vector<experiments::RunRecord> runs;
    for (const auto& record : records_)
      if (record) runs.push_back(*record);
    return experiments::comparison_json(
        {{"settings", settings()}, {"methods", methods_json()}, {"tasks", tasks_json()}}, runs);
  }

 private:
  fs::path path(const char* name) const { return fs::path(o_.out) / name; }

  const peft::MethodInfo& info_of(const experiments::PlannedRun& run) const {
    return peft::find_method(methods_[run.method].method);
  }

  /// The words of `tune` for a run with this rate.
  std::vector<std::string> words(const experiments::PlannedRun& run, double lr) const {
    const experiments::Task& task = tasks_[run.task];
    std::vector<std::string> all = methods_[run.method].words(o_.given);
    if (o_.papers && !info_of(run).recipe.empty()) all.emplace_back("--recipe=papers");
    const bool judges =
        std::ranges::any_of(all, [](const std::string& w) { return w.starts_with("--eval-every"); });
    if (!judges) all.push_back("--eval-every=1000000000");  // at the end only
    if (run.stage == experiments::Stage::search) all.push_back("--no-test");
    for (const std::string& word :
         {"--data=" + task.folder, "--on=" + task.train_splits(run.stage), "--lr=" + engine::shortest(lr),
          "--seed=" + std::to_string(run.seed), "--out=" + folder_of(run, lr).string()})
      all.push_back(word);
    all.push_back("--json");
    if (parse_tune(all)->config.knows_features())
      all.push_back("--features=" +
                    (fs::path(o_.out) / "features" / experiments::folder_name(task.name)).string());
    return all;
  }

  fs::path folder_of(const experiments::PlannedRun& run, double lr) const {
    return fs::path(o_.out) /
           experiments::run_path(tasks_[run.task].name, methods_[run.method].label, lr, run.seed, run.stage);
  }

  /// Throws a UsageError for a method whose options `tune` would not take.
  void check_words() const {
    for (const experiments::PlannedRun& run : plan_) {
      const MethodSpec& method = methods_[run.method];
      try {
        parse_tune(words(run, run.lr.value_or(method.lrs.front())));
      } catch (const engine::Error& e) {
        throw training::UsageError("method '" + method.label + "': " + e.what());
      }
    }
  }

  /// Reads the model once, so that it is known to be one and to suit the methods, and gives it back.
  void load_base() {
    training::LoadedModel loaded = training::load_model(o_.common.config.model);
    base_ = {loaded.arch, loaded.model.config().image_size, training::identity_of(loaded)};
    for (std::size_t i = 0; i < methods_.size(); ++i) {
      const TuneOptions options =
          *parse_tune(words({0, i, {}, 0, experiments::Stage::final}, methods_[i].lrs.front()));
      try {
        peft::make_method(options.config.method, options.config.method_options)->check_model(loaded.model);
      } catch (const engine::Error& e) {
        throw training::UsageError("method '" + methods_[i].label + "': " + e.what());
      }
    }
  }

  void take_folder() {
    const fs::path folder = o_.out;
    if (fs::exists(folder) && !fs::is_directory(folder))
      throw training::UsageError(o_.out + " is a file; --out needs a folder");
    if (fs::exists(folder) && !fs::is_empty(folder) && !fs::exists(path(kLock)))
      throw training::UsageError(o_.out + " is no comparison's folder (it has no " + kLock +
                                 "), so it is left alone; give another --out");
    engine::make_folders(folder);
    lock_.emplace(path(kLock));
    engine::check(lock_->held() || !lock_->supported(), o_.out + ":", engine::FileLock::holder(path(kLock)),
                  "is at work on this comparison; wait for its end, or give another --out");
    std::vector<fs::path> leftovers;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
      for (const char* name : {kJson, kMarkdown, kCsv, kReport})
        if (engine::AtomicFile::is_temporary(entry.path().filename().string(), name))
          leftovers.push_back(entry.path());
    }
    for (const fs::path& leftover : leftovers) engine::remove_file(leftover);
  }

  /// The searches that decide on the rate of a final run.
  bool decides(const experiments::PlannedRun& search, const experiments::PlannedRun& run) const {
    return search.stage == experiments::Stage::search && search.task == run.task &&
           search.method == run.method;
  }

  /// Its rate; nothing when it is still to be searched for, or all searches failed.
  std::optional<double> rate_of(const experiments::PlannedRun& run) const {
    if (run.lr) return run.lr;
    std::vector<experiments::RunRecord> searches;
    for (std::size_t i = 0; i < plan_.size(); ++i) {
      if (!decides(plan_[i], run)) continue;
      if (records_[i])
        searches.push_back(*records_[i]);
      else if (!failed_[i])
        return std::nullopt;
    }
    return experiments::choose_rate(searches);
  }

  /// What a run with this rate must have been started with.
  Json identity(const experiments::PlannedRun& run, double lr) const {
    const experiments::Task& task = tasks_[run.task];
    Json all = training::identity_of(parse_tune(words(run, lr))->identity_json(), base_.identity,
                                     task.splits.classes,
                                     *training::find_split(task.splits, task.train_splits(run.stage)));
    if (o_.common.config.model.model.empty())
      all.erase("base_sha256");                          // random weights are told by arch and seed
    if (o_.common.config.data.on_bad_image == "skip") {  // which ones are bad is not known here
      all.erase("images");
      all.erase("images_sha256");
    }
    return all;
  }

  /// Takes what a finished run has shown, and removes what it was to go on from; false when there is none.
  bool look_for(std::size_t i) {
    const experiments::PlannedRun& run = plan_[i];
    const auto lr = rate_of(run);
    if (!lr) return false;
    records_[i] = experiments::read_run(folder_of(run, *lr), identity(run, *lr),
                                        {.task = tasks_[run.task].name,
                                         .method = methods_[run.method].label,
                                         .lr = *lr,
                                         .seed = run.seed,
                                         .stage = run.stage});
    if (!records_[i]) return false;
    experiments::remove_checkpoints(folder_of(run, *lr));
    return true;
  }

  void make_run(std::size_t i) {
    const experiments::PlannedRun& run = plan_[i];
    const auto lr = rate_of(run);
    if (!lr) return fail(i, "no learning rate of its search came to an end");
    const std::string title =
        engine::say("run", i + 1, "of", std::to_string(plan_.size()) + ":", describe(run));
    if (look_for(i)) return write();  // its rate was not known before
    note(title + (run.lr ? "" : " (" + engine::shortest(*lr) + ")"));
    std::vector<std::string> all{"tune"};
    for (std::string& word : words(run, *lr)) all.push_back(std::move(word));
    const fs::path folder = folder_of(run, *lr);
    if (fs::exists(folder / "metrics.jsonl"))
      all.emplace_back(experiments::is_run_of(folder, identity(run, *lr)) ? "--resume" : "--overwrite");
    experiments::ChildEnd end =
        experiments::run_child(all, [this](const std::string& line) { pass_on(line); });
    if (end.status == kCalledWrongly && all.back() == "--resume") {  // on other images than it was begun
      all.back() = "--overwrite";
      end = experiments::run_child(all, [this](const std::string& line) { pass_on(line); });
    }
    if (end.status == 0 && look_for(i)) {
      note(engine::say(" ", run.stage == experiments::Stage::search ? "val" : "test",
                       engine::fixed(records_[i]->top1, 2), "%,", engine::fixed(records_[i]->seconds, 1),
                       "s"));
      write();
    }
    check_interrupted("in " + title + "; the same command goes on from there");
    if (!records_[i]) fail(i, end.error.empty() ? engine::say("it left with status", end.status) : end.error);
  }

  void fail(std::size_t i, const std::string& why) {
    failed_[i] = true;
    note("failed: " + describe(plan_[i]) + ": " + why);
  }

  /// A line of a run; what many say alike is told once.
  void pass_on(const std::string& line) {
    if (!line.starts_with("note: ") || told_.insert(line).second) note("  " + line);
  }

  void write() const {
    const Json all = json();
    engine::write_file(path(kJson), training::json_text(all, 2) + '\n');
    engine::write_file(path(kMarkdown), experiments::markdown_tables(all));
    engine::write_file(path(kCsv), experiments::csv_table(all));
    experiments::write_comparison_report(o_.out);
  }

  std::string describe(const experiments::PlannedRun& run) const {
    const MethodSpec& method = methods_[run.method];
    std::vector<std::string> rates;
    for (double lr : method.lrs) rates.push_back(engine::shortest(lr));
    return engine::say(experiments::name_of(run.stage) + ",", tasks_[run.task].name + ",", method.label + ",",
                       run.lr ? "lr " + engine::shortest(*run.lr) : "best lr of " + engine::join(rates, "/"),
                       "seed", run.seed);
  }

  Json settings() const {
    const Json options = o_.common.to_json();
    Json all{{"model", o_.common.config.model.model},
             {"arch", base_.arch},
             {"base_sha256", base_.identity["base_sha256"]}};
    all["image_size"] = base_.image_size;
    for (const char* name : {"epochs", "batch_size", "augment", "optimizer", "schedule"})
      all[name] = options[name];
    all["seeds"] = Json::array();
    for (Index seed = 0; seed < o_.seeds; ++seed) all["seeds"].push_back(seed);
    all["lrs"] = Json::array();
    for (const std::string& lr : o_.lrs) all["lrs"].push_back(engine::parse_number(lr, "--lrs"));
    all["threads"] = engine::kernels::threads();
    if (o_.papers) all["recipe"] = "papers";
    for (const auto& [name, value] : o_.given) {
      std::string key = name;
      std::ranges::replace(key, '-', '_');
      if (!all.contains(key)) all[key] = options.value(key, Json(value.empty() ? Json(true) : Json(value)));
    }
    return all;
  }

  /// The options of a method's recipe that the comparison leaves open.
  GivenOptions open_recipe(const MethodSpec& method) const {
    const auto& recipe = peft::find_method(method.method).recipe;
    GivenOptions all = merged(recipe, o_.given);
    std::erase_if(all, [&](const auto& option) {
      return option.first == "lr" || std::ranges::find(recipe, option) == recipe.end();
    });
    return all;
  }

  Json methods_json() const {
    Json all = Json::array();
    for (const MethodSpec& method : methods_) {
      Json options = Json::object();
      GivenOptions all_options = method.options;
      if (o_.papers) all_options = merged(open_recipe(method), method.options);
      for (const auto& [name, value] : all_options) options[name] = value.empty() ? "on" : value;
      all.push_back(
          {{"label", method.label}, {"method", method.method}, {"options", options}, {"lrs", method.lrs}});
    }
    return all;
  }

  Json tasks_json() const {
    Json all = Json::array();
    for (const experiments::Task& task : tasks_) {
      const auto& s = task.splits;
      all.push_back({{"name", task.name},
                     {"data", task.folder},
                     {"classes", s.classes.size()},
                     {"train", s.train->size()},
                     {"val", s.val ? s.val->size() : 0},
                     {"test", s.test->size()}});
    }
    return all;
  }

  CompareOptions o_;
  std::vector<MethodSpec> methods_;
  std::vector<experiments::Task> tasks_;
  Base base_;
  std::vector<experiments::PlannedRun> plan_;
  std::vector<std::optional<experiments::RunRecord>> records_;  ///< as plan_
  std::vector<char> failed_;                                    ///< as plan_, in this process
  std::set<std::string> told_;
  std::optional<engine::FileLock> lock_;
};

}  // namespace

void run_compare(Arguments arguments) {
  std::optional<CompareOptions> options = parse_compare(arguments);
  if (!options) return;
  std::vector<MethodSpec> methods = read_methods(*options);
  const bool searches = std::ranges::any_of(methods, [](const MethodSpec& m) { return m.lrs.size() > 1; });
  std::vector<experiments::Task> tasks = open_tasks(*options, searches);
  const bool dry_run = options->dry_run, json = options->common.json;
  Comparison comparison(std::move(*options), std::move(methods), std::move(tasks));
  if (dry_run) return comparison.print_plan();
  note_signals();
  comparison.make_runs();
  if (json)
    std::cout << training::json_text(comparison.json(), 2) << '\n';
  else
    std::cout << experiments::markdown_tables(comparison.json());
}

}  // namespace cli
