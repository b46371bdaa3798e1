#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "engine/base/op_timer.h"
#include "engine/base/stopwatch.h"
#include "engine/base/text.h"
#include "engine/kernels/caches.h"
#include "engine/kernels/gemm.h"
#include "engine/kernels/peak.h"
#include "engine/kernels/simd.h"
#include "engine/tensor/storage.h"
#include "tools/cli/bench_job.h"
#include "tools/cli/command_line.h"
#include "tools/cli/commands/commands.h"
#include "tools/cli/console.h"
#include "tools/cli/roofline.h"
#include "tools/training/json_text.h"
#include "tools/training/options/train_options.h"
#include "tools/training/peak_memory.h"
#include "tools/training/threads.h"
#include "tools/training/usage_error.h"

namespace cli {

using engine::Phase;
using nlohmann::ordered_json;

namespace {

/// What can be benchmarked.
struct Kind {
  const char *name, *unit;
  bool with_method;
  std::unique_ptr<BenchJob> (*make)(const BenchOptions& options);
};

constexpr Kind kKinds[] = {
    {"infer", "pass", false, make_infer_job},
    {"step", "step", true, make_step_job},
    {"score", "batch", true, make_score_job},
};

const Kind& find_kind(const std::vector<std::string>& words) {
  std::vector<std::string> names;
  for (const Kind& kind : kKinds) names.emplace_back(kind.name);
  if (words.size() != 1)
    throw training::UsageError("bench: one of " + engine::join(names, ", ") + " is needed, and only one");
  for (const Kind& kind : kKinds) {
    if (words[0] == kind.name) return kind;
  }
  throw training::UsageError("bench: unknown kind '" + words[0] + "'" +
                             engine::did_you_mean(words[0], names));
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

/// Medians over the timed passes.
struct Timing {
  double seconds = 0, multiply_adds = 0, fma_peak = 0, peak_mb = 0;
  std::vector<std::pair<std::string, double>> phases;
  // With a roofline alone.
  double bandwidth = 0;
  std::vector<ProfiledPass> passes;
};

/// The bandwidth of memory. Buffers, caches and the peak memory are then as before the first pass.
double measure_bandwidth() {
  const double bandwidth = engine::kernels::memory_bandwidth();
  engine::release_free_buffers();
  training::reset_peak_mb();
  return bandwidth;
}

/// `repeats` timed passes. Before the first, and where the bandwidth was measured before any other, too, goes
/// one that is not timed, for the buffers and the caches.
Timing time_passes(BenchJob& job, Index repeats, bool roofline) {
  const auto phases = job.phases();
  Timing timing;
  Index all_multiply_adds = 0;
  std::vector<double> seconds, peaks, bandwidths;
  std::vector<std::vector<double>> of_phase(phases.size());
  for (Index i = 0; i < repeats; ++i) {
    if (i == 0 || roofline) job.pass();
    engine::reset_phases();
    std::optional<engine::OpProfile> profile;
    if (roofline) profile.emplace();
    const Index before = engine::kernels::multiply_adds();
    const engine::Stopwatch watch;
    job.pass();
    seconds.push_back(watch.seconds());
    const Index multiply_adds = engine::kernels::multiply_adds() - before;
    all_multiply_adds += multiply_adds;
    for (std::size_t p = 0; p < phases.size(); ++p)
      of_phase[p].push_back(engine::phase_seconds(phases[p].second));
    timing.peak_mb = std::max(timing.peak_mb, training::peak_mb());
    // In turn with the passes: clocks change with time and heat.
    peaks.push_back(engine::kernels::fma_peak());
    if (!roofline) continue;
    timing.passes.push_back({seconds.back(), multiply_adds, profile->rows()});
    bandwidths.push_back(measure_bandwidth());
  }
  timing.seconds = median(seconds);
  timing.multiply_adds = static_cast<double>(all_multiply_adds) / static_cast<double>(repeats);
  timing.fma_peak = median(peaks);
  if (roofline) timing.bandwidth = median(bandwidths);
  for (std::size_t p = 0; p < phases.size(); ++p)
    timing.phases.emplace_back(phases[p].first, median(of_phase[p]));
  return timing;
}

ordered_json memory_json(const PlannedBytes& planned) {
  const auto mb = [](std::size_t bytes) { return static_cast<double>(bytes) / 1e6; };
  return {{"weights", mb(planned.weights)},
          {"gradients", mb(planned.gradients)},
          {"optimizer", mb(planned.optimizer)},
          {"activations", mb(planned.activations)}};
}

ordered_json measure(const Kind& kind, const BenchOptions& options, Index repeats, bool with_roofline,
                     const training::Threads& threads) {
  const std::unique_ptr<BenchJob> job = kind.make(options);
  engine::release_free_buffers();  // what making it needed and passes do not
  if (!training::reset_peak_mb())
    note("the peak memory includes the preparation: it cannot be reset on this system");
  const Timing timing = time_passes(*job, repeats, with_roofline);
  const double gflops = 2 * timing.multiply_adds / timing.seconds / 1e9;
  const double most_gflops = 2 * timing.fma_peak / 1e9;
  ordered_json phases = ordered_json::object();
  for (const auto& [name, seconds] : timing.phases) phases[name] = seconds;
  ordered_json result{{"seconds", timing.seconds},
                      {"images_per_s", static_cast<double>(options.batch) / timing.seconds},
                      {"gflops", gflops},
                      {"fma_peak_gflops", most_gflops},
                      {"peak_share", gflops / most_gflops},
                      {"peak_mb", timing.peak_mb},
                      {"phases", phases},
                      {"memory_mb", memory_json(job->planned())},
                      {"arch", options.arch},
                      {"method", kind.with_method ? options.config.method : "none"},
                      {"recompute", options.recompute},
                      {"patch_drop", options.patch_drop},
                      {"batch", options.batch},
                      {"repeats", repeats},
                      {"threads", threads.count},
                      {"threads_from", threads.from},
                      {"instruction_set", engine::kernels::simd_name()},
                      {"caches", engine::kernels::describe(engine::kernels::caches())}};
  if (with_roofline) {
    const double gb_s = timing.bandwidth / 1e9;
    result["bandwidth_gb_s"] = gb_s;
    result["roofline"] = roofline(timing.passes, {most_gflops, gb_s});
  }
  return result;
}

std::string list(const ordered_json& values, int digits, const std::string& unit) {
  std::vector<std::string> words;
  for (const auto& [name, value] : values.items()) {
    std::string spaced = name;
    std::ranges::replace(spaced, '_', ' ');
    if (name == "weight_gradients") spaced = "of which weight gradients";
    words.push_back(spaced + ' ' + engine::fixed(value, digits) + ' ' + unit);
  }
  return engine::join(words, ", ");
}

void print(const Kind& kind, const ordered_json& r) {
  std::cout << engine::fixed(r["seconds"], 4) << " s a " << kind.unit << ", "
            << engine::fixed(r["images_per_s"], 1) << " images/s (median of " << r["repeats"] << ", "
            << r["threads"] << " threads)\n"
            << engine::fixed(r["gflops"], 1) << " GFLOP/s, "
            << engine::fixed(100 * r["peak_share"].get<double>(), 1) << " % of the "
            << engine::fixed(r["fma_peak_gflops"], 1) << " that " << r["instruction_set"].get<std::string>()
            << " multiply-adds reach in registers alone\ncaches: " << r["caches"].get<std::string>() << '\n'
            << list(r["phases"], 4, "s") << "\npeak memory " << engine::fixed(r["peak_mb"], 0)
            << " MB; planned: " << list(r["memory_mb"], 1, "MB") << '\n';
  if (r.contains("roofline"))
    std::cout << "memory gives " << engine::fixed(r["bandwidth_gb_s"], 1) << " GB/s\n\n"
              << roofline_table(r["roofline"]);
}

}  // namespace

void run_bench(Arguments arguments) {
  BenchOptions options;
  std::vector<std::string> words;
  std::string instruction_set(engine::kernels::simd_name());
  Index repeats = 5, threads = 0;
  bool json = false, with_roofline = false;
  CommandLine line(
      "bench",
      "Time and memory of inference, a training step or scoring, on random weights and images.\n\n"
      "infer: a forward pass without a graph\n"
      "step: forward, cross entropy, backward, the method's penalty and a step of Adam\n"
      "score: the method's scoring loss of one batch, forward and backward, and the selection\n\n"
      "GFLOP/s count two operations for each multiply-add of the matrix products. The planned "
      "activations are the peak growth of all buffers between the start of forward and the end of "
      "backward; peak memory is that of the process from the first pass on.",
      "espalier bench step --arch vit_base_patch16_224 --batch 16 --method gps");
  OptionTable& table = line.table;
  table.words("KIND", words, "infer, step or score");
  table.group("Model");
  table.text("arch", options.arch, "NAME", "architecture, by timm's name");
  table.integer("classes", options.classes, 1, "classes of the head");
  table.image_size("image-size", options.image_size, "of the images in pixels: N x N, or H x W")
      .by_default("the architecture's");
  table.integer("batch", options.batch, 1, "images in a batch", 100'000);
  table.group("Measurement");
  table.integer("repeats", repeats, 1, "timed passes, after one that is not timed", 100'000);
  training::declare_threads(table, threads);
  table.choice("instruction-set", instruction_set, training::instruction_sets(), "of the inner loops");
  const auto goes_back = [&] { return words != std::vector<std::string>{"infer"}; };
  table
      .choice("recompute", options.recompute, models::recompute_names(),
              "recompute activations in the backward pass, of every MLP or every block")
      .needing_that("step or score", goes_back, "inference has no backward pass");
  table.number("patch-drop", options.patch_drop, engine::kBelowOne, "share of patches that are left out")
      .needing_that("step or score", goes_back, "inference sees all of them");
  table.integer("seed", options.seed, 0, "of weights and images");
  table.flag("roofline", with_roofline,
             "time, arithmetic and bytes of every kind and shape of op, and their shares of what the machine "
             "reaches");
  table.flag("json", json, "print the result as one JSON object").this_call();
  table.group("Method, of step and score");
  training::TrainConfig& what = options.config;
  table.methods(what.method, what.method_options)
      .needing_that("step or score", goes_back, "inference is the same with every method");
  training::declare_depth(table, what);
  if (!line.parse(arguments)) return;
  const Kind& kind = find_kind(words);
  if (!kind.with_method && !what.method_options.empty())
    throw training::UsageError("bench: --" + what.method_options.begin()->first +
                               " needs step or score: inference is the same with every method");
  if (!kind.with_method && what.layers() != engine::LayerRange())
    throw training::UsageError("bench: --freeze-blocks and --select-blocks need step or score");
  if (options.arch.empty() || options.batch == 0)
    throw training::UsageError("bench: --arch and --batch are needed");

  // To measure what products cut for another processor would cost; it is not for use.
  if (const char* cut_for = std::getenv("ESPALIER_CACHES")) {
    training::as_usage(
        [&] { engine::kernels::use_caches(engine::kernels::adjusted(engine::kernels::caches(), cut_for)); });
  }
  if (!engine::kernels::use_simd(instruction_set))
    throw training::UsageError("bench: this machine cannot run --instruction-set " + instruction_set);
  const training::Threads used = training::use_threads(threads, {.on_note = note});
  const ordered_json result = measure(kind, options, repeats, with_roofline, used);
  if (json)
    std::cout << training::json_text(result, 2) << '\n';
  else
    print(kind, result);
}

}  // namespace cli
