#include "tools/experiments/comparison.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <nlohmann/json.hpp>

#include "engine/base/text.h"
#include "tools/experiments/statistics.h"

namespace experiments {

using engine::Json;

namespace {

/// Accuracies that differ behind the ninth digit are equal, and were added in another order.
double rounded(double value) {
  return std::round(value * 1e9) / 1e9;
}

/// null for what is not there.
Json or_null(const std::optional<double>& value) {
  return value ? Json(*value) : Json();
}

std::optional<double> mean_of(const std::vector<double>& values) {
  return values.empty() ? std::nullopt : std::optional(mean(values));
}

Json run_json(const RunRecord& r) {
  Json run{
      {"task", r.task}, {"method", r.method}, {"lr", r.lr}, {"seed", r.seed}, {"stage", name_of(r.stage)}};
  const std::string split = r.stage == Stage::search ? "val" : "test";
  if (r.stopped_after > 0) run["stopped_after"] = r.stopped_after;
  if (r.diverged) {
    run["diverged"] = true;
    run[split + "_top1"] = run[split + "_loss"] = nullptr;
    return run;
  }
  run[split + "_top1"] = r.top1, run[split + "_loss"] = r.loss;
  if (r.stage == Stage::final) run["test_ece"] = r.ece;
  if (r.stopped_after == 0)
    run.update({{"trainable", r.trainable}, {"total", r.total}, {"delta_bytes", r.delta_bytes}});
  run.update({{"seconds", r.seconds},
              {"seconds_per_epoch", r.seconds_per_epoch},
              {"score_seconds", r.score_seconds},
              {"peak_mb", r.peak_mb},
              {"resumed", r.resumed},
              {"knew_features", r.knew_features},
              {"knew_scores", r.knew_scores}});
  return run;
}

/// The tested runs of a method.
struct Tested {
  std::string label;
  std::vector<const RunRecord*> runs;

  std::vector<double> accuracies(const std::string& task) const {
    std::vector<double> all;
    for (const RunRecord* run : runs)
      if (run->task == task) all.push_back(run->top1);
    return all;
  }
  std::optional<double> accuracy(const std::string& task) const { return mean_of(accuracies(task)); }
  /// The mean over tasks and seeds; with `whole`, over the runs that were not resumed, if there are any.
  template <class Figure>
  double mean_figure(Figure figure, bool whole = false) const {
    std::vector<double> all, unbroken;
    for (const RunRecord* run : runs) {
      all.push_back(static_cast<double>(figure(*run)));
      if (!run->resumed) unbroken.push_back(all.back());
    }
    return mean(whole && !unbroken.empty() ? unbroken : all);
  }
};

std::vector<std::string> names_in(const Json& list, const char* key) {
  std::vector<std::string> names;
  for (const Json& one : list) names.push_back(one[key]);
  return names;
}

/// The rank of `method` on a task among the methods that were tested on it.
double rank_on(const std::string& task, const std::vector<Tested>& all, const Tested& method) {
  std::vector<double> accuracies;
  std::size_t own = 0;
  for (const Tested& other : all) {
    if (&other == &method) own = accuracies.size();
    if (const auto accuracy = other.accuracy(task)) accuracies.push_back(rounded(*accuracy));
  }
  return ranks(accuracies)[own];
}

Json table_row(const Tested& method, const std::vector<Tested>& all, const std::vector<std::string>& tasks) {
  Json lr = Json::object(), accuracy = Json::object();
  std::vector<double> means, places;
  for (const std::string& task : tasks) {
    const std::vector<double> seen = method.accuracies(task);
    if (seen.empty()) continue;
    lr[task] = (*std::ranges::find(method.runs, task, &RunRecord::task))->lr;
    accuracy[task] = {{"mean", mean(seen)}, {"sd", or_null(sample_deviation(seen))}, {"seeds", seen.size()}};
    means.push_back(mean(seen));
    places.push_back(rank_on(task, all, method));
  }
  const bool whole = means.size() == tasks.size();
  const auto percent = [](const RunRecord& r) {
    return 100 * static_cast<double>(r.trainable) / static_cast<double>(r.total);
  };
  return {{"method", method.label},
          {"lr", lr},
          {"accuracy", accuracy},
          {"mean", or_null(whole ? mean_of(means) : std::nullopt)},
          {"rank", or_null(whole ? mean_of(places) : std::nullopt)},
          {"trainable", method.mean_figure([](const RunRecord& r) { return r.trainable; })},
          {"percent", method.mean_figure(percent)},
          {"delta_bytes", method.mean_figure([](const RunRecord& r) { return r.delta_bytes; })},
          {"seconds_per_epoch", method.mean_figure([](const RunRecord& r) { return r.seconds_per_epoch; })},
          {"peak_mb", method.mean_figure([](const RunRecord& r) { return r.peak_mb; }, true)},
          {"score_seconds", method.mean_figure([](const RunRecord& r) { return r.score_seconds; }, true)}};
}

/// a - b on every task that both were tested on; nothing when there is none.
std::optional<Json> pair_row(const Tested& a, const Tested& b, const std::vector<std::string>& tasks) {
  std::vector<double> differences;
  for (const std::string& task : tasks) {
    const auto of_a = a.accuracy(task), of_b = b.accuracy(task);
    if (of_a && of_b) differences.push_back(rounded(*of_a - *of_b));
  }
  if (differences.empty()) return std::nullopt;
  return Json{{"a", a.label},
              {"b", b.label},
              {"tasks", differences.size()},
              {"mean_difference", mean(differences)},
              {"wins", std::ranges::count_if(differences, [](double d) { return d > 0; })},
              {"losses", std::ranges::count_if(differences, [](double d) { return d < 0; })},
              {"ties", std::ranges::count(differences, 0)},
              {"p", wilcoxon_p(differences)}};
}

}  // namespace

std::string name_of(Stage stage) {
  return stage == Stage::search ? "search" : "final";
}

std::vector<PlannedRun> plan_runs(std::size_t tasks, const std::vector<std::vector<double>>& lrs,
                                  Index seeds) {
  std::vector<PlannedRun> plan;
  for (Index seed = 0; seed < seeds; ++seed) {
    for (std::size_t task = 0; task < tasks; ++task) {
      for (std::size_t method = 0; method < lrs.size(); ++method) {
        const std::vector<double>& rates = lrs[method];
        const bool one = rates.size() == 1;
        for (std::size_t i = 0; seed == 0 && !one && i < rates.size(); ++i)
          plan.push_back({task, method, rates[i], seed, Stage::search});
        plan.push_back({task, method, one ? std::optional(rates[0]) : std::nullopt, seed, Stage::final});
      }
    }
  }
  return plan;
}

std::optional<double> choose_rate(const std::vector<RunRecord>& searches) {
  std::vector<RunRecord> sound;
  std::ranges::copy_if(searches, std::back_inserter(sound),
                       [](const RunRecord& r) { return !r.diverged && r.stopped_after == 0; });
  if (sound.empty()) return std::nullopt;
  return std::ranges::min_element(sound, {},
                                  [](const RunRecord& r) { return search_order(r.top1, r.loss, r.lr); })
      ->lr;
}

Json comparison_json(Json head, const std::vector<RunRecord>& runs) {
  const std::vector<std::string> tasks = names_in(head["tasks"], "name");
  std::vector<Tested> tested;
  for (const std::string& label : names_in(head["methods"], "label")) {
    Tested method{label, {}};
    for (const RunRecord& run : runs)
      if (run.method == label && run.stage == Stage::final) method.runs.push_back(&run);
    if (!method.runs.empty()) tested.push_back(std::move(method));
  }
  Json all{{"format", "espalier-compare"}, {"version", 1}, {"espalier", ESPALIER_VERSION}};
  all.update(head);
  all["scorings"] = std::ranges::count(runs, true, &RunRecord::scored);
  for (const char* list : {"runs", "table", "pairs"}) all[list] = Json::array();
  for (const RunRecord& run : runs) all["runs"].push_back(run_json(run));
  for (const Tested& method : tested) all["table"].push_back(table_row(method, tested, tasks));
  for (std::size_t b = 0; b < tested.size(); ++b) {
    for (std::size_t a = b + 1; a < tested.size(); ++a)
      if (auto pair = pair_row(tested[a], tested[b], tasks)) all["pairs"].push_back(std::move(*pair));
  }
  return all;
}

std::string folder_name(const std::string& label) {
  std::string name;
  for (const char c : label) {
    const bool kept = std::isalnum(static_cast<unsigned char>(c)) ||
                      std::string_view(" _-+=,()@").find(c) != std::string_view::npos ||
                      static_cast<unsigned char>(c) >= 0x80 || (c == '.' && !name.empty());
    if (kept) {
      name += c;
    } else {
      char code[4];
      std::snprintf(code, sizeof code, "%%%02X", static_cast<unsigned char>(c));
      name += code;
    }
  }
  return name;
}

std::filesystem::path run_path(const std::string& task, const std::string& label, double lr, Index seed,
                               Stage stage) {
  return std::filesystem::path("runs") / folder_name(task) / folder_name(label) /
         ("lr" + engine::shortest(lr) + "-seed" + std::to_string(seed) + "-" + name_of(stage));
}

}  // namespace experiments
