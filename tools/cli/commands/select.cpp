#include <iostream>
#include <nlohmann/json.hpp>

#include "engine/base/stopwatch.h"
#include "engine/base/text.h"
#include "engine/io/safetensors.h"
#include "tools/cli/command_line.h"
#include "tools/cli/commands/commands.h"
#include "tools/cli/console.h"
#include "tools/cli/follow.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/output_files.h"
#include "tools/cli/tune_options.h"
#include "tools/training/json_text.h"
#include "tools/training/known_scores.h"
#include "tools/training/peak_memory.h"
#include "tools/training/run.h"
#include "tools/training/usage_error.h"

namespace cli {

using nlohmann::ordered_json;

namespace {

ordered_json taken(training::Run& run) {
  std::map<std::string, Index> trained;
  for (const auto& p : engine::parameters(run.loaded.model)) trained[p.name] = p.parameter.trained_count();
  ordered_json all = ordered_json::object();
  for (const peft::Choice& c : run.method->choices()) {
    all[c.parameter] = {{"units", c.selection.indices().size()},
                        {"kind", c.selection.kind_name()},
                        {"numbers", trained[c.parameter]},
                        {"energy", c.captured}};
  }
  return all;
}

void print(const ordered_json& result) {
  std::cout << "units   values  share of the squared gradient  parameter\n";
  for (const auto& [name, t] : result["taken"].items()) {
    char line[256];
    std::snprintf(line, sizeof line, "%5ld %8ld %30.4f  ", t["units"].get<long>(), t["numbers"].get<long>(),
                  t["energy"].get<double>());
    std::cout << line << shown(name) << '\n';
  }
  std::cout << "scoring " << engine::fixed(result["score_seconds"], 2) << " s, selecting "
            << engine::fixed(result["select_seconds"], 3) << " s, peak memory "
            << engine::fixed(result["peak_mb"], 0) << " MB\n";
}

}  // namespace

void run_select(Arguments arguments) {
  TuneOptions options;
  std::string gradients;
  CommandLine line("select", "Scores and selects only, and prints what that cost.",
                   "espalier select --model vit_base.safetensors --data flowers --method gps --out "
                   "gps.safetensors");
  OptionTable& table = line.table;
  training::declare_selection(table, options.config);
  table.group("Result");
  table.output("out", options.out, "FILE", "selection to write (safetensors)");
  table.output("gradients", gradients, "FILE", "write the accumulated gradient of every scored tensor, too");
  table.flag("json", options.json, "print the result as one JSON object").this_call();
  declare_checks(table, options.checks);
  if (!line.parse(arguments)) return;
  options.check();
  if (!peft::make_method(options.config.method, options.config.method_options)->scoring())
    throw training::UsageError("method " + options.config.method +
                               " does not select by gradients; grft, gps and sift do");
  check_outputs(table);

  note_signals();
  Follower follower;
  const training::Events events = follower.events();
  training::Run run = training::open_run(options.config, engine::split(options.config.on, '+'), events);
  std::cerr << escaped_controls(training::skipped_lines(run.splits.skipped));
  if (!gradients.empty()) training::as_usage([&] { run.method->keep_gradients(); });
  if (options.checks.dry_run) {
    std::cout << "all checks passed: " << run.images->size() << " images to score\n";
    return;
  }
  const engine::Stopwatch watch;
  try {
    training::score_and_select(run, options.config, events);
  } catch (const training::Stopped& stopped) {
    throw training::Stopped(stopped.where);  // nothing is kept to go on from
  }
  const double scored = run.method->score_seconds();
  const double selected = watch.seconds() - scored;
  run.notes->note(events);
  check_interrupted("before anything was written");
  if (!options.out.empty()) training::write_selection(options.out, run, options.config);
  if (!gradients.empty()) {
    engine::NamedTensors all;
    for (const peft::Choice& c : run.method->choices()) all.emplace_back(c.parameter, c.gradient);
    // Without what they took: the same scores are the same bytes.
    training::write_scores(gradients, run, options.config, {.batches = run.scored_batches, .gradients = all});
  }
  check_interrupted("after all was written");
  const ordered_json result{{"score_seconds", scored},
                            {"select_seconds", selected},
                            {"peak_mb", training::peak_mb()},
                            {"skipped", run.splits.skipped.size()},
                            {"taken", taken(run)}};
  if (options.json)
    print_json(result);
  else
    print(result);
}

}  // namespace cli
