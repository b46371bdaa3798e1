#include "tools/experiments/overlap.h"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/base/text.h"
#include "peft/delta.h"
#include "peft/selection/select.h"
#include "tools/training/identity.h"

namespace experiments {

using engine::Index;
using engine::Json;
using engine::Selection;
using engine::Tensor;

namespace {

Index units_of(const Selection& part) {
  return static_cast<Index>(part.indices().size());
}

/// The chosen parts in a file, without the parameters that are there whole: nothing was chosen from those.
peft::PartsByName chosen_parts(const engine::Safetensors& file) {
  peft::PartsByName parts = peft::read_parts(file);
  std::erase_if(parts, [](const auto& part) { return part.second.whole(); });
  engine::check(!parts.empty(),
                file.path() + ": nothing was chosen in it; a selection or a delta with one is needed");
  return parts;
}

double squares_held(const Selection& part, const Tensor& gradient, const std::string& what) {
  part.check_fits(gradient.shape(), what);
  return peft::squares_of(part.gather(gradient));
}

double ratio(double part, double whole) {
  return whole > 0 ? part / whole : 1;
}

/// What a file has recorded of how its selection was made; an empty object when it has nothing.
Json identity_in(const engine::Safetensors& file) {
  const auto found = file.metadata().find("identity");
  return found == file.metadata().end() ? Json::object() : training::read_identity(found->second);
}

}  // namespace

Json overlap_of(const engine::Safetensors& selection, const engine::Safetensors& against,
                const engine::Safetensors* gradients) {
  const peft::PartsByName a = chosen_parts(selection), b = chosen_parts(against);
  std::set<std::string> names;
  for (const auto& [name, part] : a) names.insert(name);
  for (const auto& [name, part] : b) names.insert(name);
  const auto find = [](const peft::PartsByName& parts, const std::string& name) {
    const auto found = parts.find(name);
    return found == parts.end() ? Selection::none() : found->second;
  };
  Json all{{"selection", selection.path()}, {"against", against.path()}, {"parameters", Json::object()}};
  double overlap = 0, energy = 0, held = 0, most = 0;
  for (const std::string& name : names) {
    const Selection mine = find(a, name), theirs = find(b, name);
    const Index common = peft::common_units(mine, theirs),
                either = units_of(mine) + units_of(theirs) - common;
    Json one{{"units", units_of(mine)},
             {"against", units_of(theirs)},
             {"common", common},
             {"overlap", ratio(static_cast<double>(common), static_cast<double>(either))}};
    overlap += one["overlap"].get<double>();
    if (gradients) {
      const Tensor gradient = gradients->read_as(name, engine::Dtype::f32);
      const double part = squares_held(mine, gradient, selection.path() + ": " + name),
                   best = squares_held(theirs, gradient, against.path() + ": " + name);
      one["energy"] = ratio(part, best);
      energy += ratio(part, best);
      held += part;
      most += best;
    }
    all["parameters"][name] = one;
  }
  if (const Json one = identity_in(selection), other = identity_in(against); !one.empty() && !other.empty()) {
    all["differences"] = Json::array();
    for (const auto& d : training::RunIdentity(one).differences(other)) all["differences"].push_back(d.text);
  }
  const double count = static_cast<double>(names.size());
  all["overlap"] = overlap / count;
  if (gradients) {
    all["energy"] = energy / count;
    all["total"] = ratio(held, most);
  }
  return all;
}

std::string overlap_table(const Json& overlap) {
  const bool energies = overlap.contains("energy");
  std::string table = std::string("units  against  common  overlap") +
                      (energies ? "  squared gradient" : "") + "  parameter\n";
  for (const auto& [name, one] : overlap["parameters"].items()) {
    char cells[128];
    std::snprintf(cells, sizeof cells, "%5ld  %7ld  %6ld  %7.4f", one["units"].get<long>(),
                  one["against"].get<long>(), one["common"].get<long>(), one["overlap"].get<double>());
    table += cells;
    if (energies) {
      std::snprintf(cells, sizeof cells, "  %16.4f", one["energy"].get<double>());
      table += cells;
    }
    table += "  " + name + '\n';
  }
  table += "mean overlap " + engine::fixed(overlap["overlap"], 4);
  if (energies)
    table += "; squared gradient held, over that of the other: mean " + engine::fixed(overlap["energy"], 4) +
             ", of all together " + engine::fixed(overlap["total"], 4);
  return table + '\n';
}

}  // namespace experiments
