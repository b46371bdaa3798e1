#include "tools/experiments/comparison_tables.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "engine/base/text.h"

namespace experiments {

using engine::Json;
using Cells = std::vector<std::string>;

namespace {

constexpr const char* kNone = "-";  // in place of a figure that is not there

std::string figure(const Json& value, int digits) {
  return value.is_null() ? kNone : engine::fixed(value, digits);
}

std::string p_value(double p) {
  return p < 0.001 ? "< 0.001" : engine::fixed(p, 3);
}

/// "0.21": at least two significant digits.
std::string percentage(double percent) {
  const int digits = percent >= 10 ? 1 : percent >= 1 ? 2 : percent >= 0.1 ? 3 : 4;
  return engine::fixed(percent, digits);
}

/// A row of a Markdown table; "|" in a cell would begin another.
std::string row(const Cells& cells) {
  std::string line = "|";
  for (const std::string& cell : cells) {
    line += ' ';
    for (const char c : cell) line += c == '|' ? "\\|" : std::string(1, c);
    line += " |";
  }
  return line + '\n';
}

/// The first two rows: the first column is text, all others are figures.
std::string heading(const Cells& cells) {
  std::string line = row(cells) + "|---|";
  for (std::size_t i = 1; i < cells.size(); ++i) line += "---:|";
  return line + '\n';
}

Cells task_names(const Json& comparison) {
  Cells names;
  for (const Json& task : comparison["tasks"]) names.push_back(task["name"]);
  return names;
}

std::string accuracy_text(const Json& method, const std::string& task) {
  const Json& all = method["accuracy"];
  if (!all.contains(task)) return kNone;
  const Json& accuracy = all[task];
  const std::string sd = accuracy["sd"].is_null() ? "" : " ± " + engine::fixed(accuracy["sd"], 2);
  return engine::fixed(accuracy["mean"], 2) + sd;
}

std::string accuracies(const Json& comparison) {
  Cells titles{"method"};
  const Cells tasks = task_names(comparison);
  titles.insert(titles.end(), tasks.begin(), tasks.end());
  for (const char* title :
       {"mean", "rank", "trainable parameters", "percent", "delta", "s/epoch", "peak MB", "selection s"})
    titles.emplace_back(title);
  std::string text = heading(titles);
  for (const Json& method : comparison["table"]) {
    Cells cells{method["method"]};
    for (const std::string& task : tasks) cells.push_back(accuracy_text(method, task));
    cells.push_back(figure(method["mean"], 2));
    cells.push_back(figure(method["rank"], 2));
    cells.push_back(engine::human_count(std::llround(method["trainable"].get<double>())));
    cells.push_back(percentage(method["percent"]));
    cells.push_back(engine::human_bytes(method["delta_bytes"]));
    cells.push_back(figure(method["seconds_per_epoch"], 2));
    cells.push_back(figure(method["peak_mb"], 0));
    cells.push_back(figure(method["score_seconds"], 1));
    text += row(cells);
  }
  return text;
}

std::string rates(const Json& comparison) {
  Cells titles{"learning rate"};
  const Cells tasks = task_names(comparison);
  titles.insert(titles.end(), tasks.begin(), tasks.end());
  std::string text = heading(titles);
  for (const Json& method : comparison["table"]) {
    Cells cells{method["method"]};
    for (const std::string& task : tasks)
      cells.push_back(method["lr"].contains(task) ? engine::shortest(method["lr"][task]) : kNone);
    text += row(cells);
  }
  return text;
}

std::string against(const std::string& first, const Json& comparison) {
  std::string text = heading({"against " + first, "tasks", "mean difference", "wins", "losses", "ties", "p"});
  for (const Json& pair : comparison["pairs"]) {
    if (pair["b"] != first) continue;
    text += row({pair["a"], pair["tasks"].dump(), engine::fixed(pair["mean_difference"], 2),
                 pair["wins"].dump(), pair["losses"].dump(), pair["ties"].dump(), p_value(pair["p"])});
  }
  return text;
}

std::string csv_row(const Cells& cells) {
  Cells quoted;
  for (const std::string& cell : cells) {
    if (cell.find_first_of(",\"\r\n") == std::string::npos) {
      quoted.push_back(cell);
      continue;
    }
    std::string text;
    for (const char c : cell) text += c == '"' ? "\"\"" : std::string(1, c);
    quoted.push_back('"' + text + '"');
  }
  return engine::join(quoted, ",") + "\r\n";
}

/// A figure as compare.json has it; nothing for null.
std::string plain(const Json& value) {
  return value.is_null() ? "" : value.dump();
}

}  // namespace

std::string markdown_tables(const Json& comparison) {
  const Json& table = comparison["table"];
  const Json& settings = comparison["settings"];
  std::string text = engine::say(
      "Test accuracy in percent: mean ± standard deviation over seeds", settings["seeds"].dump() + ".",
      settings.value("search", Json()) == "halving"
          ? "Learning rates were chosen on val by halving: after a quarter and after half of the epochs the worse "
            "half of them stopped."
          : "Learning rates were chosen on val.",
      "The final runs were trained on train + val and tested once.\n\n");
  text += accuracies(comparison) + '\n' + rates(comparison);
  const auto& runs = comparison["runs"];
  if (std::ranges::any_of(runs, [](const Json& run) { return run.value("knew_features", false); }))
    text +=
        "\nThe features of a frozen backbone, and what frozen blocks give, were computed once per task; s/epoch "
        "leaves that out.\n";
  if (std::ranges::any_of(runs, [](const Json& run) { return run.value("knew_scores", false); }))
    text +=
        "\nRuns that score in the same way chose by scores that were made once; selection s has what these took, "
        "for each of them.\n";
  if (table.size() > 1) {
    text += '\n' + against(table[0]["method"], comparison) +
            "\np: exact two-sided Wilcoxon signed-rank test over tasks.\n";
  }
  return text;
}

std::string csv_table(const Json& comparison) {
  constexpr const char* kFigures[] = {
      "mean", "rank", "trainable", "percent", "delta_bytes", "seconds_per_epoch", "peak_mb", "score_seconds"};
  const Cells tasks = task_names(comparison);
  Cells titles{"method"};
  for (const std::string& task : tasks) {
    for (const char* what : {" mean", " sd", " seeds", " lr"}) titles.push_back(task + what);
  }
  titles.insert(titles.end(), std::begin(kFigures), std::end(kFigures));
  std::string text = csv_row(titles);
  for (const Json& method : comparison["table"]) {
    Cells cells{method["method"]};
    for (const std::string& task : tasks) {
      const Json seen = method["accuracy"].value(task, Json::object());
      for (const char* what : {"mean", "sd", "seeds"}) cells.push_back(plain(seen.value(what, Json())));
      cells.push_back(plain(method["lr"].value(task, Json())));
    }
    for (const char* what : kFigures) cells.push_back(plain(method[what]));
    text += csv_row(cells);
  }
  return text;
}

}  // namespace experiments
