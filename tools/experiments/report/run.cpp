#include "tools/experiments/report/run.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/base/text.h"
#include "engine/io/safetensors.h"
#include "tools/experiments/report/curves.h"
#include "tools/experiments/report/images.h"
#include "tools/experiments/report/selection.h"
#include "tools/training/evaluate.h"
#include "tools/training/json_field.h"

namespace experiments {

namespace fs = std::filesystem;
using engine::Index;
using engine::Json;

namespace {

Json read_object(const fs::path& path) {
  Json json = engine::read_json(path, training::kMaxResultValues);
  engine::check(json.is_object(), path.string() + ": should be a JSON object");
  return json;
}

/// Runs `f` and puts the name of the file in front of its errors.
template <class F>
auto about(const fs::path& file, F&& f) {
  try {
    return f();
  } catch (const engine::Error& e) {
    throw engine::Error(file.string() + ": " + e.what());
  }
}

/// The counts of a confusion matrix that are not 0, as [true class, predicted class, count], the largest
/// first and kMostCells at most.
Json cells_of(const Json& confusion, std::size_t classes) {
  constexpr std::size_t kMostCells = 20'000;
  const auto counts = training::field_as<std::vector<std::vector<Index>>>(confusion, "confusion");
  std::vector<std::array<Index, 3>> cells;
  engine::check(counts.size() == classes, "confusion has", counts.size(), "rows for", classes, "classes");
  for (std::size_t i = 0; i < counts.size(); ++i) {
    engine::check(counts[i].size() == classes, "row", i, "of confusion has", counts[i].size(), "counts for",
                  classes, "classes");
    for (std::size_t j = 0; j < classes; ++j) {
      if (counts[i][j] != 0) cells.push_back({static_cast<Index>(i), static_cast<Index>(j), counts[i][j]});
    }
  }
  std::ranges::stable_sort(cells, std::ranges::greater(), [](const auto& cell) { return cell[2]; });
  cells.resize(std::min(cells.size(), kMostCells));
  return cells;
}

/// The mistakes of judged.json, every field checked.
Json mistakes_of(const Json& evaluated) {
  constexpr std::size_t kMost = 24;
  engine::check(evaluated.contains("mistakes") && evaluated["mistakes"].is_array(),
                "mistakes should be a list");
  Json mistakes = Json::array();
  for (const Json& m : evaluated["mistakes"]) {
    if (mistakes.size() == kMost) break;
    mistakes.push_back({{"file", training::needed_field<std::string>(m, "file")},
                        {"class", training::needed_field<std::string>(m, "class")},
                        {"predicted", training::needed_field<std::string>(m, "predicted")},
                        {"p_class", training::needed_field<double>(m, "p_class")},
                        {"p_predicted", training::needed_field<double>(m, "p_predicted")}});
  }
  return mistakes;
}

/// The parameters in a delta, those of all blocks together: name with * for the block, tensors, values.
Json trained_of(const engine::Safetensors& delta) {
  struct Group {
    std::set<std::string> parameters;
    Index values = 0;
  };
  std::map<std::string, Group> groups;
  for (const engine::SafetensorsEntry& entry : delta.entries()) {
    if (!entry.dtype.starts_with('F')) continue;  // the indices of a part
    std::string name = entry.name.substr(0, entry.name.rfind(".values"));
    std::vector<std::string> words = engine::split(name, '.');
    const auto is_number = [](const std::string& word) {
      return !word.empty() && std::ranges::all_of(word, [](unsigned char c) { return std::isdigit(c); });
    };
    const auto block = std::ranges::find_if(words, is_number);
    if (block != words.end()) *block = "*";
    Group& group = groups[engine::join(words, ".")];
    group.parameters.insert(std::move(name));
    group.values += entry.shape().numel();
  }
  Json trained = Json::array();
  for (const auto& [name, group] : groups)
    trained.push_back({{"name", name}, {"parameters", group.parameters.size()}, {"values", group.values}});
  return trained;
}

/// The mistakes on the split that was evaluated last, with their images.
void add_mistakes(Json& report, const fs::path& folder, const AtHand& at_hand) {
  const fs::path file = folder / "judged.json";
  if (!fs::exists(file)) return;
  const Json evaluated = read_object(file);
  about(file, [&] {
    report["evaluated"] = training::needed_field<std::string>(evaluated, "split");
    report["mistakes"] = mistakes_of(evaluated);
  });
  const std::string split = report["evaluated"];
  if (report["mistakes"].empty()) return;
  const Note note = at_hand.note ? at_hand.note : [](const std::string&) {};
  const auto images = at_hand.evaluated ? at_hand.evaluated : reopen_split(report["config"], split, note);
  if (images) add_images(report["mistakes"], report["config"], *images, note);
}

/// The result, without the confusion matrices but that of the last split.
void add_result(Json& report, const fs::path& folder, const AtHand& at_hand) {
  const fs::path file = folder / "result.json";
  if (!at_hand.result && !fs::exists(file)) return;
  Json result = at_hand.result ? *at_hand.result : read_object(file);
  about(file, [&] {
    for (const char* split : {"val", "test"}) {
      if (!result.contains(split)) continue;
      engine::check(result[split].is_object(), split, "should be an object");
      if (result[split].contains("confusion")) {
        report["confusion"] = {{"split", split},
                               {"cells", cells_of(result[split]["confusion"], report["classes"].size())}};
        result[split].erase("confusion");
      }
    }
  });
  report["result"] = std::move(result);
}

}  // namespace

Json report_of_run(const fs::path& folder, const AtHand& at_hand) {
  const fs::path config_file = folder / "config.json";
  Json config = read_object(config_file);
  Json report{{"kind", "run"}, {"name", fs::absolute(folder / "x").parent_path().filename().string()}};
  about(config_file,
        [&] { report["classes"] = training::needed_field<std::vector<std::string>>(config, "classes"); });
  config.erase("classes");
  report["config"] = std::move(config);
  report["curves"] = read_curves(folder / "metrics.jsonl");
  add_result(report, folder, at_hand);
  add_mistakes(report, folder, at_hand);
  if (fs::exists(folder / "selection.safetensors"))
    report["selection"] = read_selection(folder / "selection.safetensors");
  if (fs::exists(folder / "delta.safetensors"))
    report["trained"] = trained_of(engine::Safetensors(folder / "delta.safetensors"));
  return report;
}

}  // namespace experiments
