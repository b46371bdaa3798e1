#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/nn/state.h"
#include "models/dialects/dialect.h"

namespace models {

/// Where in a file the classifier's tensors are: their dialect, and what stands before their names.
struct Layout {
  const Dialect* dialect;
  std::string prefix;

  /// `name` without the prefix, or as much of it as stands before a head.
  std::string bare(const std::string& name) const;
  /// What stands before the names of a head.
  std::string before_head() const;
};

/// Finds the one place where a dialect's sign stands, outside of parts that no classifier reads or, when that
/// is all there is, in one. Nothing when there is none; an Error when there are two.
std::optional<Layout> find_layout(const engine::NamedTensors& state);

/// The part that stands beside a classifier and that no forward pass reads, as far as `name` tells: the name
/// up to the word that says it. Nothing for a tensor of the classifier.
std::optional<std::string> part_beside(const Layout& layout, const std::string& name);

/// True for what may be the name of a classifier's tensor.
bool like_head(const std::string& bare);

/// Where a tensor goes: its timm name, and how it fits.
struct Place {
  std::string timm;
  Fit fit = Fit::whole;
};

/// The places of a file's names by the rules of its dialect.
class Translator {
 public:
  Translator(const Layout& layout, const engine::NamedTensors& state);

  /// Of one tensor; more than one place where it is packed or shared, none when no rule has its name.
  std::vector<Place> operator()(const std::string& name) const;

 private:
  std::vector<Place> match(const std::string& bare, std::string* block) const;

  const Layout& layout_;
  std::vector<const Rule*> rules_;  ///< those whose condition holds
  std::set<std::string> blocks_;    ///< the numbers of the blocks
};

}  // namespace models
