#include "tools/experiments/report/selection.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "engine/base/div_up.h"
#include "engine/nn/roles.h"
#include "peft/delta.h"
#include "tools/experiments/report/thinned.h"
#include "tools/training/json_field.h"

namespace experiments {

using engine::Json;
using engine::Selection;
using engine::Shape;

namespace {

/// How many of `units` lie in each of at most kMostBins stretches of `length` places: {"size", "counts"}.
Json counts_of(const std::vector<Index>& units, Index length) {
  const Index size = engine::div_up(length, static_cast<Index>(kMostBins));
  std::vector<Index> counts(static_cast<std::size_t>(engine::div_up(length, size)));
  for (const Index unit : units) ++counts[static_cast<std::size_t>(unit / size)];
  return {{"size", size}, {"counts", counts}};
}

std::vector<Index> mapped(const std::vector<Index>& units, const auto& f) {
  std::vector<Index> places;
  std::ranges::transform(units, std::back_inserter(places), f);
  return places;
}

/// Where in the matrix the units lie.
void add_places(Json& matrix, const Selection& selection, const Shape& shape,
                const std::vector<float>& scores) {
  const std::vector<Index>& at = selection.indices();
  const bool rows = matrix["kind"] == "rows", columns = matrix["kind"] == "columns";
  if (rows || columns) {
    if (at.size() > kMostUnits) {
      matrix[rows ? "per_row" : "per_column"] = counts_of(at, rows ? shape.rows() : shape.columns());
      return;
    }
    matrix["at"] = at;
    Json& list = matrix["scores"] = Json::array();
    for (const float score : scores) list.push_back(six_digits(score));
  } else {
    const Index width = shape.columns();
    matrix["per_row"] = counts_of(mapped(at, [&](Index i) { return i / width; }), shape.rows());
    matrix["per_column"] = counts_of(mapped(at, [&](Index i) { return i % width; }), width);
  }
}

/// The object that the metadata stores as text under `key`; empty when there is none.
Json stored(const engine::Safetensors& file, const std::string& key) {
  const auto found = file.metadata().find(key);
  if (found == file.metadata().end()) return Json::object();
  Json json = engine::parse_json(found->second, file.path() + ": " + key);
  engine::check(json.is_object(), file.path() + ": " + key, "should be an object");
  return json;
}

/// The value of one parameter; 0 when it is missing.
double value_of(const engine::Safetensors& file, const Json& object, const std::string& parameter) {
  if (!object.contains(parameter)) return 0;
  return training::field_as<double>(object[parameter], file.path() + ": " + parameter);
}

/// The shape of a parameter, which holds some value.
Shape shape_of(const engine::Safetensors& file, const Json& shapes, const std::string& parameter) {
  const std::string what = file.path() + ": the shape of " + parameter;
  engine::check(shapes.contains(parameter), what, "is missing");
  const auto dims = training::field_as<std::vector<Index>>(shapes[parameter], what);
  try {
    Shape shape(dims);
    engine::check(shape.numel() > 0, "it is empty");
    return shape;
  } catch (const engine::Error& e) {
    throw engine::Error(what + ": " + e.what());
  }
}

std::vector<float> scores_of(const engine::Safetensors& file, const std::string& name, std::size_t count) {
  if (!file.contains(name + ".score")) return {};
  const engine::Tensor scores = file.read_as(name + ".score", engine::Dtype::f32);
  engine::check(static_cast<std::size_t>(scores.numel()) == count, file.path() + ": " + name, "has", count,
                "units and", scores.numel(), "scores");
  return {scores.data<float>().begin(), scores.data<float>().end()};
}

/// Blocks in order, behind what is in no block.
bool in_model_order(const std::string& a, const std::string& b) {
  const Index block_a = engine::role_of(a).block, block_b = engine::role_of(b).block;
  return block_a != block_b ? block_a < block_b : a < b;
}

}  // namespace

Json read_selection(const std::filesystem::path& path) {
  const engine::Safetensors file(path);
  if (!file.metadata().contains("shapes")) return nullptr;
  const Json shapes = stored(file, "shapes"), energy = stored(file, "energy"),
             squares = stored(file, "gradient_squares");
  const std::map<std::string, Selection> parts = peft::read_parts(file);
  std::vector<std::string> names;
  for (const auto& [name, part] : parts) names.push_back(name);
  std::ranges::stable_sort(names, in_model_order);

  Json matrices = Json::array();
  for (const std::string& name : names) {
    const Selection& part = parts.at(name);
    const Shape shape = shape_of(file, shapes, name);
    part.check_fits(shape, file.path() + ": " + name);
    Json matrix{{"name", name},
                {"rows", shape.rows()},
                {"columns", shape.columns()},
                {"kind", part.kind_name()},
                {"units", part.indices().size()},
                {"values", part.packed(shape).numel()},
                {"energy", six_digits(value_of(file, energy, name))},
                {"squares", six_digits(value_of(file, squares, name))}};
    if (!part.whole()) add_places(matrix, part, shape, scores_of(file, name, part.indices().size()));
    matrices.push_back(std::move(matrix));
  }
  return matrices;
}

}  // namespace experiments
