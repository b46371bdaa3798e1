#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "engine/base/div_up.h"
#include "engine/base/text.h"
#include "engine/io/json.h"
#include "engine/kernels/simd.h"
#include "engine/tensor/storage.h"
#include "peft/methods.h"
#include "tools/cli/commands/commands.h"
#include "tools/cli/compare_options.h"
#include "tools/cli/console.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/output_files.h"
#include "tools/experiments/comparison_folder.h"
#include "tools/experiments/comparison_tables.h"
#include "tools/experiments/runner.h"
#include "tools/training/data_source.h"
#include "tools/training/depth.h"
#include "tools/training/identity.h"
#include "tools/training/json_field.h"
#include "tools/training/known_scores.h"
#include "tools/training/per_side_json.h"
#include "tools/training/pretrained/at_image_size.h"
#include "tools/training/run.h"
#include "tools/training/run_folder.h"
#include "tools/training/usage_error.h"

namespace cli {

namespace fs = std::filesystem;
using engine::Json;
using experiments::ComparisonConfig;
using experiments::PlannedRun;
using experiments::Stage;

namespace {

/// The runs of a comparison as `tune` makes them.
class TuneRuns {
 public:
  TuneRuns(CompareOptions options, std::vector<MethodSpec> methods, std::vector<experiments::Task> tasks)
      : o_(std::move(options)), methods_(std::move(methods)) {
    config_.out = o_.out;
    config_.seeds = o_.seeds;
    config_.search = o_.search;
    config_.part = o_.part;
    config_.tasks = std::move(tasks);
    for (const MethodSpec& m : methods_)
      config_.methods.push_back({m.label, m.method, method_options(m), m.lrs});
    config_.overwrite = o_.overwrite;
    instruction_set_ = chosen_instruction_set();
    std::erase_if(o_.given, [](const auto& option) {
      return option.first == "instruction-set" || option.first == "prefix-cache";
    });
    check_arguments();
    check_common_options();
    load_base();
    engine::release_free_buffers();
  }

  const ComparisonConfig& config() const { return config_; }

  /// The arguments of `tune` for a run with this learning rate.
  std::vector<std::string> arguments(const PlannedRun& run, double lr) const {
    const experiments::Task& task = config_.tasks[run.task];
    const MethodSpec& method = methods_[run.method];
    std::vector<std::string> all = method_words(method);
    if (o_.papers && !peft::find_method(method.method).recipe.empty()) all.emplace_back("--recipe=papers");
    const auto sets_evaluation = [](const std::string& a) { return a.starts_with("--eval-every"); };
    if (!task.evaluates_val(run.stage))
      std::erase_if(all, sets_evaluation);
    else if (std::ranges::none_of(all, sets_evaluation))
      all.push_back("--eval-every=1000000000");  // at the end only
    if (run.stage == Stage::search) all.push_back("--no-test");
    for (const std::string& argument :
         {"--data=" + task.folder, "--on=" + task.train_splits(run.stage), "--lr=" + engine::shortest(lr),
          "--seed=" + std::to_string(run.seed), "--out=" + run_folder(config_, run, lr).string()})
      all.push_back(argument);
    all.push_back("--json");
    all.push_back("--instruction-set=" + instruction_set_);
    if (o_.checks.strict) all.emplace_back("--strict");
    all.push_back("--prefix-cache=" + prefix_cache(task));
    const training::TrainConfig config = parse_tune(all, "")->config;
    if (training::why_no_known_scores(*training::make_method(config), config.method).empty())
      all.push_back("--scores=" + (config_.out / "scores" / experiments::folder_name(task.name)).string() +
                    "/");
    return all;
  }

  /// ", halving after epoch 1 and 2": where a run of a search may stop.
  std::string rungs_text(const PlannedRun& run) const {
    if (run.stage != Stage::search || config_.search != experiments::Search::halving) return "";
    std::vector<std::string> rungs;
    for (const Index rung : experiments::rungs_of(epochs(run, *run.lr)))
      rungs.push_back(std::to_string(rung));
    return rungs.empty() ? "" : ", halving after epoch " + engine::join(rungs, " and ");
  }

  /// The epochs of a run, of which the last may be a part.
  Index epochs(const PlannedRun& run, double lr) const {
    const training::TrainConfig config = parse_tune(arguments(run, lr), "")->config;
    const experiments::Task& task = config_.tasks[run.task];
    const Index images = training::find_split(task.splits, task.train_splits(run.stage))->size();
    if (config.steps == 0 || images < config.batch_size)
      return config.epochs;  // too few: the run will say so
    return engine::div_up(config.steps, config.epoch_steps(images).count());
  }

  /// What a run with this learning rate must have been started with.
  training::RunIdentity identity(const PlannedRun& run, double lr) const {
    const experiments::Task& task = config_.tasks[run.task];
    const training::TrainConfig config = parse_tune(arguments(run, lr), "")->config;
    Json base = base_identity_;
    if (o_.common.config.model.model.empty()) base.erase("base_sha256");  // arch and seed make random weights
    const auto images = training::find_split(task.splits, task.train_splits(run.stage));
    return {training::identity_fields(config, base, images_identity(run), instruction_set_),
            [&task, images](const std::string& root) {
              return training::earlier_images_sha256(task.splits.classes, *images, *task.contents, root);
            }};
  }

  /// Of the images that a run in this folder has read, those that are not what they were.
  std::vector<std::string> changed(const PlannedRun& run, const fs::path& folder) const {
    const experiments::Task& task = config_.tasks[run.task];
    const training::ImageStamps recorded = training::read_image_stamps(folder / training::kImagesFile);
    std::vector<std::string> found;
    for (const std::string& split : {task.train_splits(run.stage), evaluated(run)}) {
      const auto changed = task.contents->changed(*training::find_split(task.splits, split), recorded);
      if (!changed.empty()) found.push_back(training::describe_changed(changed));
    }
    return found;
  }

 private:
  /// --prefix-cache of all runs on a task: a folder that they share, with the bound that was given; or what
  /// was given, where they do not.
  std::string prefix_cache(const experiments::Task& task) const {
    const std::string& given = o_.common.config.prefix_cache;
    const auto options = training::as_usage([&] { return training::PrefixCacheOptions::parse(given); });
    if (options.off) return given;
    const fs::path folder = options.folder.empty() ? config_.out / "prefixes" : options.folder;
    return (folder / experiments::folder_name(task.name)).string() +
           (options.most ? "," + given.substr(given.rfind(',') + 1) : "");
  }

  /// Throws a UsageError for a method whose options `tune` would not take.
  void check_arguments() const {
    for (const PlannedRun& run : plan_of(config_)) {
      const MethodSpec& method = methods_[run.method];
      try {
        arguments(run, run.lr.value_or(method.lrs.front()));
      } catch (const engine::Error& e) {
        throw training::UsageError("method '" + method.label + "': " + e.what());
      }
    }
  }

  static std::string evaluated(const PlannedRun& run) { return run.stage == Stage::search ? "val" : "test"; }

  /// That of the images, which many runs have in common.
  const Json& images_identity(const PlannedRun& run) const {
    Json& fields = images_[{run.task, run.stage}];
    if (!fields.empty()) return fields;
    const experiments::Task& task = config_.tasks[run.task];
    const auto of = [&](const std::string& split, const std::string& prefix) {
      return training::identity_of(task.splits.classes, *training::find_split(task.splits, split),
                                   *task.contents, prefix);
    };
    fields = of(task.train_splits(run.stage), "");
    fields.update(of(evaluated(run), evaluated(run) + "_"));
    return fields;
  }

  /// The instruction set that the comparison was begun with, or the one that is asked for, or in use.
  std::string chosen_instruction_set() const {
    const std::string& asked = o_.common.config.instruction_set;
    if (!asked.empty()) return asked;
    const Json before = experiments::earlier_comparison(config_.out);
    const Json settings = before.is_object() ? before.value("settings", Json::object()) : Json::object();
    return training::field<std::string>(settings, "instruction_set")
        .value_or(std::string(engine::kernels::simd_name()));
  }

  /// The options that have no effect beside all others that a method gets.
  std::vector<training::IdleOption> idle_with(const MethodSpec& method) const {
    GivenOptions all = merged(o_.given, method.options);
    if (o_.papers) all = merged(peft::find_method(method.method).recipe, all);
    std::vector<std::string> words = words_of(peft::find_method(method.method), all);
    words.push_back("--method=" + method.method);
    return idle_in_tune(words);
  }

  /// The words of a method's own options and of those of all methods. What is for all but has no effect with
  /// this method is left out.
  std::vector<std::string> method_words(const MethodSpec& method) const {
    GivenOptions common = o_.given;
    for (const training::IdleOption& idle : idle_with(method))
      std::erase_if(common, [&](const auto& option) { return option.first == idle.name; });
    return method.words(common);
  }

  /// Throws a UsageError for an option of all methods that has no effect with any.
  void check_common_options() const {
    for (const auto& [name, value] : o_.given) {
      std::string complaint;
      const bool idle = std::ranges::all_of(methods_, [&, &wanted = name](const MethodSpec& method) {
        const auto all = idle_with(method);
        const auto found = std::ranges::find(all, wanted, &training::IdleOption::name);
        if (found != all.end()) complaint = found->complaint;
        return found != all.end();
      });
      if (idle && !complaint.empty()) throw training::UsageError("compare: " + complaint);
    }
  }

  /// Reads the model once, to check it and whether it suits the methods, and frees it again.
  void load_base() {
    training::LoadedModel loaded = training::load_model(o_.common.config.model, {.on_note = note});
    base_identity_ = training::identity_of(loaded);
    config_.settings = settings(loaded);
    for (std::size_t i = 0; i < methods_.size(); ++i) {
      const TuneOptions options =
          *parse_tune(arguments({0, i, {}, 0, Stage::final}, methods_[i].lrs.front()), "");
      try {
        training::check_method(*training::make_method(options.config), loaded.model, options.config);
      } catch (const engine::Error& e) {
        throw training::UsageError("method '" + methods_[i].label + "': " + e.what());
      }
    }
  }

  Json settings(const training::LoadedModel& loaded) const {
    const Json options = o_.common.to_json();
    Json all{{"model", o_.common.config.model.model},
             {"arch", loaded.arch},
             {"base_sha256", base_identity_["base_sha256"]}};
    all["image_size"] = training::per_side_json(training::image_size_of(loaded.model.config()));
    all["instruction_set"] = instruction_set_;
    for (const char* name : {"epochs", "batch_size", "augment", "optimizer", "schedule"})
      all[name] = options[name];
    all["seeds"] = Json::array();
    for (Index seed = 0; seed < o_.seeds; ++seed) all["seeds"].push_back(seed);
    all["lrs"] = Json::array();
    for (const std::string& lr : o_.lrs) all["lrs"].push_back(engine::parse_number(lr, "--lrs"));
    all["threads"] = loaded.threads.count;
    if (o_.papers) all["recipe"] = "papers";
    if (o_.search == experiments::Search::halving) all["search"] = "halving";
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

  /// What a method is given besides the settings, for compare.json.
  Json method_options(const MethodSpec& method) const {
    Json options = Json::object();
    for (const auto& [name, value] : o_.papers ? merged(open_recipe(method), method.options) : method.options)
      options[name] = value.empty() ? "on" : value;
    return options;
  }

  CompareOptions o_;
  std::vector<MethodSpec> methods_;
  ComparisonConfig config_;
  Json base_identity_;
  std::string instruction_set_;
  mutable std::map<std::pair<std::size_t, Stage>, Json> images_;
};

}  // namespace

void run_compare(Arguments arguments) {
  std::optional<CompareOptions> options = parse_compare(arguments);
  if (!options) return;
  std::vector<MethodSpec> methods = read_methods(*options);
  const bool searches = std::ranges::any_of(methods, [](const MethodSpec& m) { return m.lrs.size() > 1; });
  std::vector<experiments::Task> tasks = open_tasks(*options, searches);
  for (const experiments::Task& task : tasks) check_not_among_images("--out", options->out, task.folder);
  const bool dry_run = options->checks.dry_run, json = options->common.json;
  const TuneRuns tune(std::move(*options), std::move(methods), std::move(tasks));
  note_signals();
  note_suspension();
  experiments::RunnerHooks hooks;
  hooks.arguments = [&](const PlannedRun& run, double lr) {
    std::vector<std::string> all = tune.arguments(run, lr);
    all.insert(all.begin(), "tune");
    return all;
  };
  hooks.epochs = [&](const PlannedRun& run, double lr) { return tune.epochs(run, lr); };
  hooks.identity = [&](const PlannedRun& run, double lr) { return tune.identity(run, lr); };
  hooks.changed = [&](const PlannedRun& run, const fs::path& folder) { return tune.changed(run, folder); };
  hooks.note = note;
  hooks.suspension = noted_suspension;
  hooks.suspend = suspend;
  hooks.stop_signal = noted_signal;
  experiments::Runner runner(tune.config(), std::move(hooks));
  if (dry_run) {
    runner.check();
    for (const PlannedRun& run : plan_of(tune.config()))
      std::cout << describe(tune.config(), run) << tune.rungs_text(run) << '\n';
    return;
  }
  if (const auto stopped_in = runner.make_runs())
    check_interrupted("in " + *stopped_in + "; the same command goes on from there");
  if (json)
    print_json(runner.json());
  else if (const auto& part = tune.config().part)
    std::cout << "part " << part->text() << " is made, " << runner.json()["runs"].size()
              << " runs; the same command without --part draws the tables\n";
  else
    std::cout << experiments::markdown_tables(runner.json());
}

}  // namespace cli
