#include "peft/delta.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <set>

#include "engine/base/text.h"
#include "engine/nn/state.h"

namespace peft {

using engine::Index;
using engine::NamedParameter;
using engine::NamedTensors;
using engine::Safetensors;
using engine::Selection;
using engine::Shape;
using engine::Tensor;

namespace {

Tensor index_tensor(const std::vector<Index>& at) {
  return Tensor::of<std::int64_t>({static_cast<Index>(at.size())},
                                  std::vector<std::int64_t>(at.begin(), at.end()));
}

struct PartKind {
  std::string_view suffix;
  Selection (*make)(std::vector<Index>);
};
constexpr std::array kPartKinds{PartKind{".rows", Selection::rows}, PartKind{".columns", Selection::columns},
                                PartKind{".elements", Selection::elements}};
constexpr std::array<std::string_view, 2> kCompanions{".values", ".score"};

// A name without end is neither shown whole nor compared: that takes its length times the others'.
constexpr std::size_t kLongName = 200, kShown = 80;

std::string shown(const std::string& name) {
  return name.size() <= kShown ? name : name.substr(0, kShown) + "...";
}

Selection read_indices(const Safetensors& file, const std::string& name, const PartKind& kind) {
  const Tensor at = file.read(name);
  const std::string what = file.path() + ": " + shown(name);
  engine::check(at.dtype() == engine::Dtype::i64 && at.shape().rank() == 1, what,
                "should be a list of I64 indices");
  try {
    return kind.make({at.data<std::int64_t>().begin(), at.data<std::int64_t>().end()});
  } catch (const engine::Error& e) {
    throw engine::Error(what + ": " + e.what());
  }
}

}  // namespace

NamedTensors delta_of(engine::Module& model, const PartsByName& parts) {
  NamedTensors tensors;
  for (const auto& [name, parameter] : engine::parameters(model)) {
    const auto found = parts.find(name);
    if (found == parts.end() || !found->second.any()) continue;
    const Selection& part = found->second;
    if (part.whole()) {
      tensors.emplace_back(name, parameter.value());
    } else {
      tensors.emplace_back(name + '.' + std::string(part.kind_name()), index_tensor(part.indices()));
      tensors.emplace_back(name + ".values", part.gather(parameter.value()));
    }
  }
  return tensors;
}

NamedTensors part_tensors(const PartsByName& parts) {
  NamedTensors tensors;
  for (const auto& [name, part] : parts) {
    if (part.whole())
      tensors.emplace_back(name, Tensor::zeros({0}));
    else
      tensors.emplace_back(name + '.' + std::string(part.kind_name()), index_tensor(part.indices()));
  }
  return tensors;
}

NamedTensors selection_tensors(const std::vector<Choice>& choices) {
  NamedTensors tensors;
  for (const Choice& c : choices) {
    tensors.emplace_back(c.parameter + '.' + std::string(c.selection.kind_name()),
                         index_tensor(c.selection.indices()));
    tensors.emplace_back(c.parameter + ".score",
                         Tensor::of<float>({static_cast<Index>(c.scores.size())}, c.scores));
  }
  return tensors;
}

PartsByName read_parts(const Safetensors& file, const std::string& prefix) {
  PartsByName parts;
  std::set<std::string> companions;
  std::vector<std::string> others;
  for (const std::string& name : file.names()) {
    if (!name.starts_with(prefix)) continue;
    const std::string bare = name.substr(prefix.size());
    const auto kind =
        std::ranges::find_if(kPartKinds, [&](const PartKind& k) { return bare.ends_with(k.suffix); });
    if (kind == kPartKinds.end()) {
      others.push_back(bare);
      continue;
    }
    const std::string parameter = bare.substr(0, bare.size() - kind->suffix.size());
    engine::check(parts.emplace(parameter, read_indices(file, name, *kind)).second, file.path() + ":",
                  shown(parameter), "has two kinds of parts");
    for (std::string_view companion : kCompanions) companions.insert(parameter + std::string(companion));
  }
  for (const std::string& name : others) {
    if (companions.contains(name)) continue;
    engine::check(parts.emplace(name, Selection::all()).second, file.path() + ":", shown(name),
                  "is there whole and in part");
  }
  return parts;
}

void apply_delta(engine::Module& model, const Safetensors& delta, const std::string& prefix) {
  struct Change {
    engine::Parameter parameter;
    Selection part;
    Tensor values;
  };
  const PartsByName parts = read_parts(delta, prefix);
  std::map<std::string, engine::Parameter> known;
  std::vector<std::string> names;
  for (const NamedParameter& p : engine::parameters(model)) {
    known.emplace(p.name, p.parameter);
    names.push_back(p.name);
  }
  std::vector<Change> changes;
  for (const auto& [name, part] : parts) {
    const auto found = known.find(name);
    if (found == known.end()) {  // what is near is looked for only then, as it takes long
      throw engine::Error(
          engine::say(delta.path() + ": the model has no parameter",
                      shown(name) + (name.size() > kLongName ? "" : engine::did_you_mean(name, names))));
    }
    const Shape& full = found->second.value().shape();
    part.check_fits(full, delta.path() + ": " + name);
    const std::string stored = prefix + (part.whole() ? name : name + ".values");
    const Tensor values = delta.read_as(stored, found->second.value().dtype());
    engine::check(values.shape() == part.packed(full), delta.path() + ":", name, "holds", values.shape(),
                  "where the model needs", part.packed(full));
    engine::check_finite(values, values.dtype(), delta.path() + ": " + stored);
    changes.push_back({found->second, part, values});
  }
  for (const auto& [name, parameter] : known) parameter.freeze();
  for (const Change& change : changes) {
    change.parameter.train(change.part);
    change.part.scatter(change.values, change.parameter.value());
  }
}

}  // namespace peft
