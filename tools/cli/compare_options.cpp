#include "tools/cli/compare_options.h"

#include <algorithm>

#include "engine/base/text.h"
#include "peft/methods.h"
#include "tools/cli/command_line.h"
#include "tools/cli/console.h"
#include "tools/cli/model_options.h"
#include "tools/training/data_source.h"
#include "tools/training/usage_error.h"

namespace cli {
namespace {

/// The learning rate of a method's recipe; none where it has none.
std::vector<double> recipe_rates(const std::string& method) {
  std::vector<double> rates;
  for (const auto& [name, value] : peft::find_method(method).recipe)
    if (name == "lr") rates.push_back(engine::parse_number(value, "lr of the recipe"));
  return rates;
}

/// NAME=FOLDER.
experiments::Task read_task(const std::string& given) {
  const auto equals = given.find('=');
  if (equals == std::string::npos)
    throw training::UsageError("--task takes NAME=FOLDER, not '" + given + "'");
  experiments::Task task{given.substr(0, equals), given.substr(equals + 1), {}, nullptr};
  training::as_usage([&] { check_label(task.name, "--task " + given + ": the name"); });
  if (task.folder.empty()) throw training::UsageError("--task " + given + ": the folder is missing");
  return task;
}

/// Finds its images. Throws an Error when a split is missing that the comparison needs.
void open(experiments::Task& task, const CompareOptions& o, bool searches) {
  training::DataSource data = o.common.config.data;
  data.data = task.folder;
  const bool skips = data.on_bad_image == "skip";
  data.on_bad_image = "error";  // each run looks for itself
  data.val_counts = !searches;  // no run learns from train alone
  const std::vector<std::string> used{"train", "val", "test"};
  training::OpenedData opened =
      training::open_data_source(data, skips ? std::vector<std::string>{} : used, 0, {.on_note = note});
  engine::check(!opened.cut, task.folder +
                                 ": has no splits; a comparison needs train, val and test, as tune's "
                                 "split.csv lists them");
  task.splits = std::move(opened.splits), task.contents = std::move(opened.contents);
  engine::check(task.splits.test != nullptr, task.folder + ": there is no test split to compare on");
  engine::check(task.splits.val || !searches,
                task.folder + ": there is no val split to choose a learning rate on; give one rate");
}

}  // namespace

std::optional<CompareOptions> parse_compare(std::span<const std::string> words) {
  CompareOptions o;
  std::string recipe = "none", search = "grid", part;
  CommandLine line(
      "compare",
      "Compares methods on tasks. Learning rates are chosen on val; then every method trains on train and val "
      "and is tested once for each seed. The same command continues a comparison that was interrupted.",
      "espalier compare --model vit_base.safetensors --task flowers=data/flowers --task pets=data/pets "
      "--methods \"linear;gps;grft k4=grft,k=4\" --lrs 1e-3,1e-2 --seeds 3 --out compared");
  OptionTable& table = line.table;
  table.group("Comparison");
  table.output("out", o.out, "DIR", "folder for tables and reports; the runs are below DIR/runs");
  table.repeated("task", o.tasks, "NAME=FOLDER", "images as of tune --data; may be given many times");
  table.repeated(
      "methods", o.methods, "SPEC;...",
      "each LABEL=METHOD,option=value,... with options of tune and of the method; LABEL= may be left "
      "out. lrs=1e-3/1e-2 are a method's own learning rates; \\ takes a following , or ; into a value");
  table.list("lrs", o.lrs, "a,b,...", "learning rates to choose among");
  table.choice("search", search, {"grid", "halving"},
               "halving: the worse half of a method's rates stops after a quarter and half of the epochs");
  table
      .text("part", part, "I/N",
            "make the I-th of N shares, beside others on the same --out; without it all is taken over")
      .this_call();
  table.integer("seeds", o.seeds, 1, "final runs use the seeds 0 to N - 1", 1000);
  table.choice("recipe", recipe, {"none", "papers"},
               "papers: options that are not given are those of each method's paper");
  table.flag("overwrite", o.overwrite, "make runs again that are there with other options or data")
      .this_call();
  declare_checks(table, o.checks, "print the runs in order and stop");
  table.group("Comparison");
  table.flag("json", o.common.json, "print compare.json").this_call();
  const std::size_t own = table.options().size();  // those behind it are given to every run
  declare_base(table, o.common.config.model);
  declare_threads(table, o.common.config.model.threads);
  declare_screening(table, o.common.config.data);
  training::declare_reading(table, o.common.config);
  training::declare_depth(table, o.common.config);
  training::declare_training(table, o.common.config);
  training::declare_handling(table, o.common.config);
  declare_memory_check(table, o.common.no_memory_check);
  if (!line.parse(words, CommandLine::Relations::leave)) return std::nullopt;
  for (const auto& [name, value] : line.given()) {
    const auto at = std::ranges::find(table.options(), name, &Option::name) - table.options().begin();
    if (at >= static_cast<std::ptrdiff_t>(own)) o.given.emplace_back(name, value);
  }
  if (!part.empty()) training::as_usage([&] { o.part = experiments::Part::read(part); });
  o.papers = recipe == "papers";
  if (search == "halving") o.search = experiments::Search::halving;
  if (o.out.empty()) throw training::UsageError("--out DIR is needed: the folder for tables and runs");
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

std::vector<experiments::Task> open_tasks(const CompareOptions& o, bool searches) {
  if (o.tasks.empty()) throw training::UsageError("--task NAME=FOLDER is needed: images to compare on");
  std::vector<experiments::Task> tasks;
  for (const std::string& given : o.tasks) {
    tasks.push_back(read_task(given));
    if (std::ranges::count(tasks, tasks.back().name, &experiments::Task::name) > 1)
      throw training::UsageError("two tasks are called '" + tasks.back().name + "'");
  }
  for (experiments::Task& task : tasks) open(task, o, searches);
  return tasks;
}

}  // namespace cli
