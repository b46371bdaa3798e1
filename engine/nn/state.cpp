#include "engine/nn/state.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "engine/base/text.h"

namespace engine {
namespace {

/// "2 names missing (a, b)" or nothing.
void report(std::vector<std::string>& mismatches, const std::vector<std::string>& names,
            const std::string& how) {
  constexpr std::size_t kShown = 12;
  if (names.empty()) return;
  const std::vector<std::string> shown(
      names.begin(), names.begin() + static_cast<std::ptrdiff_t>(std::min(kShown, names.size())));
  mismatches.push_back(say(names.size(), names.size() == 1 ? "name" : "names", how,
                           "(" + join(shown, ", ") + (names.size() > kShown ? ", ...)" : ")")));
}

}  // namespace

NamedTensors state(Module& root) {
  NamedTensors all;
  for (const NamedParameter& p : parameters(root)) all.emplace_back(p.name, p.parameter.value());
  return all;
}

namespace {

/// Where each parameter's tensor stands in `state`; throws one Error with all that is wrong.
std::vector<std::size_t> places_of(const std::vector<NamedParameter>& wanted, const NamedTensors& state,
                                   std::string_view what) {
  std::map<std::string_view, std::size_t> given;
  for (std::size_t i = 0; i < state.size(); ++i) given.emplace(state[i].first, i);
  std::vector<std::string> missing, unexpected, wrong, whole_numbers;
  std::vector<std::size_t> places;
  for (const auto& [name, parameter] : wanted) {
    const auto found = given.find(name);
    if (found == given.end()) {
      missing.push_back(name);
      continue;
    }
    places.push_back(found->second);
    const Tensor& tensor = state[found->second].second;
    if (tensor.shape() != parameter.value().shape())
      wrong.push_back(say(name, tensor.shape(), "instead of", parameter.value().shape()));
    if (tensor.dtype() == Dtype::i64 || tensor.dtype() == Dtype::u8)
      whole_numbers.push_back(say(name, tensor.dtype()));
  }
  for (const NamedParameter& p : wanted) given.erase(p.name);
  for (const auto& [name, place] : given) unexpected.emplace_back(name);

  std::vector<std::string> mismatches;
  report(mismatches, missing, "missing");
  report(mismatches, unexpected, "unexpected");
  report(mismatches, wrong, "of the wrong shape");
  report(mismatches, whole_numbers, "of the wrong type");
  check(mismatches.empty(), std::string(what) + ":", join(mismatches, ", "));
  return places;
}

void copy_into(const Parameter& parameter, const Tensor& from) {
  const Tensor values = from.to(parameter.value().dtype());
  std::memcpy(parameter.value().raw(), values.raw(), values.bytes());
}

}  // namespace

void load_state(Module& root, const NamedTensors& state, std::string_view what) {
  const std::vector<NamedParameter> wanted = parameters(root);
  const std::vector<std::size_t> places = places_of(wanted, state, what);
  for (std::size_t i = 0; i < wanted.size(); ++i) copy_into(wanted[i].parameter, state[places[i]].second);
}

void load_state(Module& root, NamedTensors&& state, std::string_view what) {
  const std::vector<NamedParameter> wanted = parameters(root);
  const std::vector<std::size_t> places = places_of(wanted, state, what);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    Tensor& tensor = state[places[i]].second;
    const Parameter& parameter = wanted[i].parameter;
    if (tensor.dtype() == parameter.value().dtype() && tensor.unshared())
      parameter.value() = std::move(tensor);
    else
      copy_into(parameter, tensor);
  }
  state.clear();
}

void check_finite(const Tensor& tensor, Dtype dtype, std::string_view what) {
  const Tensor converted = tensor.to(dtype);
  visit(dtype, [&]<class T>() {
    const auto values = converted.data<T>();
    const auto bad = [](T value) { return !std::isfinite(value); };
    const auto first = std::ranges::find_if(values, bad);
    if (first == values.end()) return;
    throw Error(say(what, "has", std::count_if(first, values.end(), bad), "of", tensor.numel(),
                    "values that are NaN or infinite as", say(dtype) + ", the first at index",
                    first - values.begin()));
  });
}

}  // namespace engine
