#include "tools/training/tensorboard_log.h"

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>

#include "engine/io/safetensors.h"
#include "engine/nn/roles.h"
#include "tools/training/json_field.h"

namespace training {

using engine::Json;

namespace {

/// How lines of a kind are shown.
struct Kind {
  std::string_view kind, prefix,
      step;  ///< before a tag (of an evaluation its split), and the field of the step
};
constexpr std::array kKinds{Kind{"score", "score", "batch"}, Kind{"choice", "score", "batch"},
                            Kind{"step", "train", "step"}, Kind{"eval", "", "step"}};
/// Fields that say what a line is about.
constexpr std::array<std::string_view, 4> kPlaces{"kind", "batch", "step", "epoch"};

/// The kind of a line, or nullptr for one that is not shown.
const Kind* kind_of(const Json& line) {
  const auto kind = field<std::string>(line, "kind").value_or("");
  const auto found = std::ranges::find(kKinds, kind, &Kind::kind);
  return found == kKinds.end() ? nullptr : &*found;
}

/// Of a line that names none, as the test's, that of the steps that are done.
Index step_of(const Json& line, const Kind& kind, Index steps) {
  return field<Index>(line, std::string(kind.step)).value_or(steps);
}

}  // namespace

TensorBoardLog::TensorBoardLog(const std::filesystem::path& folder, EventFile::Clock clock)
    : first_(EventFile::in(folder).empty()), file_(folder, std::move(clock)) {}

void TensorBoardLog::restart(Index steps, const std::vector<Json>& log) {
  begun_ = first_ ? 0 : steps;
  steps_ = steps;
  file_.start(begun_);
  for (const Json& one : log) {
    const Kind* const kind = kind_of(one);
    if (kind && step_of(one, *kind, steps) >= begun_) line(one);
  }
  steps_ = steps;
}

void TensorBoardLog::line(const Json& line) {
  const Kind* const kind = kind_of(line);
  if (!kind) return;
  const std::string prefix =
      kind->prefix.empty() ? field<std::string>(line, "split").value_or("eval") : std::string(kind->prefix);
  std::vector<std::pair<std::string, double>> values;
  for (const auto& [name, value] : line.items())
    if (value.is_number() && std::ranges::find(kPlaces, name) == kPlaces.end())
      values.emplace_back(prefix + '/' + name, value.get<double>());
  const Index step = step_of(line, *kind, steps_);
  if (kind->kind == "step") steps_ = step + 1;
  file_.scalars(step, values);
}

void TensorBoardLog::selection(const std::filesystem::path& file) {
  constexpr std::string_view kScore = ".score";
  if (begun_ > 0) return;
  const engine::Safetensors selected(file);
  std::vector<std::string> order;
  std::map<std::string, std::vector<float>> scores;
  for (const std::string& name : selected.names()) {
    if (!name.ends_with(kScore)) continue;
    const engine::Role role = engine::role_of(name);
    const std::string place = role.block >= 0 ? role.part + '.' + std::to_string(role.block) : role.part;
    std::vector<float>& all = scores[place];
    if (all.empty()) order.push_back(place);
    const engine::Tensor own = selected.read(name);
    all.insert(all.end(), own.data<float>().begin(), own.data<float>().end());
  }
  for (const std::string& place : order) file_.histogram(0, "selection/" + place, scores[place]);
}

}  // namespace training
