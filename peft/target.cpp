#include "peft/target.h"

#include <algorithm>

#include "engine/base/text.h"

namespace peft {

using engine::Index;
using engine::NamedParameter;

bool is_weight_matrix(const NamedParameter& p) {
  return p.name.ends_with(".weight") && p.parameter.value().shape().rank() >= 2;
}

bool is_linear_bias(const std::string& name, const std::vector<NamedParameter>& all) {
  if (!engine::is_bias(name) || name.find('.') == std::string::npos) return false;
  const std::string weight = name.substr(0, name.rfind('.')) + ".weight";
  return std::ranges::any_of(
      all, [&](const NamedParameter& p) { return p.name == weight && is_weight_matrix(p); });
}

engine::Selection elements_or_none(std::vector<Index> at) {
  return at.empty() ? engine::Selection::none() : engine::Selection::elements(std::move(at));
}

engine::Random random_of(std::uint64_t seed, const std::string& name, std::uint64_t draw) {
  std::uint64_t stream = 14695981039346656037u;  // FNV-1a
  for (const char c : name) stream = (stream ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return {seed, engine::Random::Use::method, stream, draw};
}

bool matches_target(const std::string& pattern, const std::string& name) {
  return engine::glob_match(pattern, name) || engine::glob_match(pattern, engine::joint_name(name));
}

bool matches_target(const std::vector<std::string>& patterns, const std::string& name) {
  return std::ranges::any_of(patterns,
                             [&](const std::string& pattern) { return matches_target(pattern, name); });
}

void check_targets(const std::vector<std::string>& patterns, const std::vector<std::string>& names,
                   const std::string& kind) {
  for (const std::string& pattern : patterns) {
    const bool hits =
        std::ranges::any_of(names, [&](const std::string& name) { return matches_target(pattern, name); });
    engine::check(hits, "target '" + pattern + "' matches no " + kind + engine::did_you_mean(pattern, names));
  }
}

std::vector<NamedParameter> parameters_of(engine::Module& model, const engine::LayerRange& layers) {
  std::vector<NamedParameter> all = engine::parameters(model);
  const Index blocks = engine::count_blocks(all);
  std::erase_if(all, [&](const NamedParameter& p) {
    return engine::in_head(p.name) || !layers.contains(p.name, blocks);
  });
  return all;
}

std::vector<NamedParameter> find_targets(engine::Module& model, const std::vector<std::string>& patterns,
                                         const engine::LayerRange& layers) {
  std::vector<std::string> names;
  for (const NamedParameter& p : parameters_of(model, {})) names.push_back(p.name);
  check_targets(patterns, names, "parameter that a method can choose from");
  std::vector<NamedParameter> pool = parameters_of(model, layers);
  std::erase_if(pool, [&](const NamedParameter& p) {
    return patterns.empty() ? !is_weight_matrix(p) : !matches_target(patterns, p.name);
  });
  return pool;
}

}  // namespace peft
