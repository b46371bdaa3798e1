#include "tools/experiments/compare_options.h"

#include <algorithm>
#include <set>

#include "engine/base/text.h"
#include "peft/methods.h"
#include "tools/cli/console.h"
#include "tools/cli/model_options.h"
#include "tools/training/usage_error.h"

namespace experiments {
namespace {

/// The learning rate that a method's paper tells; none where it tells none.
std::vector<double> recipe_rates(const std::string& method) {
  std::vector<double> rates;
  for (const auto& [name, value] : peft::find_method(method).recipe)
    if (name == "lr") rates.push_back(engine::parse_number(value, "lr of the recipe"));
  return rates;
}

/// NAME=FOLDER.
Task read_task(const std::string& given) {
  const auto equals = given.find('=');
  if (equals == std::string::npos)
    throw training::UsageError("--task takes NAME=FOLDER, not '" + given + "'");
  Task task{given.substr(0, equals), given.substr(equals + 1), {}};
  training::as_usage([&] { check_label(task.name, "--task " + given + ": the name"); });
  if (task.folder.empty()) throw training::UsageError("--task " + given + ": the folder is missing");
  return task;
}

/// Finds its images. Throws an Error when a split is missing that the comparison needs.
void open(Task& task, const CompareOptions& o, bool searches) {
  training::DataSource data = o.common.config.data;
  data.data = task.folder;
  data.on_bad_image = "error";  // each run looks for itself
  task.splits = training::open_splits(data, {}, 0, {.on_note = cli::note});
  engine::check(task.splits.test != nullptr, task.folder + ": there is no test split to compare on");
  engine::check(task.splits.val || !searches,
                task.folder + ": there is no val split to choose a learning rate on; give one rate");
}

}  // namespace

std::optional<CompareOptions> parse_compare(std::span<const std::string> words) {
  CompareOptions o;
  cli::Args args(
      "compare",
      "Compares methods on tasks: learning rates are chosen on val, then every method learns from train "
      "and val\nand is tested once, with every seed. The same command goes on where it was interrupted.");
  args.group("Comparison");
  args.text("--out", o.out, "DIR", "for the tables, and every run below DIR/runs");
  args.many("--task", o.tasks, "NAME=FOLDER", "images as of tune --data; may be given many times");
  args.many("--methods", o.methods, "SPEC;...",
            "LABEL=METHOD,option=value,...: options of tune and of the method; LABEL= may be missing. "
            "lrs=1e-3/1e-2 are this method's own learning rates; a \\ takes , or ; into a value");
  args.list("--lrs", o.lrs, "a,b,...", "learning rates to choose among");
  args.integer("--seeds", o.seeds, 1, "every final run is made with the seeds 0 to N - 1", 1000);
  std::string recipe = "none";
  args.choice("--recipe", recipe, {"none", "papers"},
              "papers: what is not given is as each method's paper has it, see `espalier methods NAME`");
  args.flag("--dry-run", o.dry_run, "print the runs in order and stop");
  args.flag("--json", o.common.json, "print compare.json");
  cli::add_model_options(args, o.common.config.model);
  args.group("Data");
  cli::add_screening_options(args, o.common.config.data);
  args.group("Every run");
  o.common.add_handling(args);
  o.common.add_steps(args);
  if (!args.parse(words)) return std::nullopt;
  if (args.given("--seed"))
    throw training::UsageError("--seeds N says how many seeds there are; --seed is none of compare");
  const std::set<std::string> own{"out", "task", "methods", "lrs", "seeds", "recipe", "dry-run", "json"};
  for (auto& option : args.all_given())
    if (!own.contains(option.first)) o.given.push_back(std::move(option));
  o.papers = recipe == "papers";
  if (o.out.empty()) throw training::UsageError("--out DIR is needed: where tables and runs are written to");
  o.common.config.model.check();
  return o;
}

std::vector<MethodSpec> read_methods(const CompareOptions& o) {
  std::vector<MethodSpec> specs = parse_method_specs(engine::join(o.methods, ";"));
  if (specs.empty()) throw training::UsageError("--methods SPEC;SPEC;... is needed: what is to be compared");
  const std::vector<double> rates =
      o.lrs.empty() ? std::vector<double>{}
                    : training::as_usage([&] { return parse_rates(engine::join(o.lrs, ","), ',', "--lrs"); });
  for (MethodSpec& spec : specs) {
    if (spec.lrs.empty()) spec.lrs = rates;
    if (spec.lrs.empty() && o.papers) spec.lrs = recipe_rates(spec.method);
    if (spec.lrs.empty())
      throw training::UsageError("method '" + spec.label +
                                 "' has no learning rates; give --lrs, or lrs= in its SPEC");
  }
  return specs;
}

std::vector<Task> open_tasks(const CompareOptions& o, bool searches) {
  if (o.tasks.empty()) throw training::UsageError("--task NAME=FOLDER is needed: images to compare on");
  std::vector<Task> tasks;
  for (const std::string& given : o.tasks) {
    tasks.push_back(read_task(given));
    if (std::ranges::count(tasks, tasks.back().name, &Task::name) > 1)
      throw training::UsageError("two tasks are called '" + tasks.back().name + "'");
  }
  for (Task& task : tasks) open(task, o, searches);
  return tasks;
}

}  // namespace experiments
