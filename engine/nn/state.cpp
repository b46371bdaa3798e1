#include "engine/nn/state.h"

#include <cstring>
#include <map>

#include "engine/base/text.h"

namespace engine {
namespace {

/// "2 names missing (a, b)" or nothing.
void complain(std::vector<std::string>& complaints, const std::vector<std::string>& names,
              const std::string& how) {
  constexpr std::size_t kShown = 12;
  if (names.empty()) return;
  const std::vector<std::string> shown(
      names.begin(), names.begin() + static_cast<std::ptrdiff_t>(std::min(kShown, names.size())));
  complaints.push_back(say(names.size(), names.size() == 1 ? "name" : "names", how,
                           "(" + join(shown, ", ") + (names.size() > kShown ? ", ...)" : ")")));
}

}  // namespace

State state(Module& root) {
  State all;
  for (const NamedParameter& p : parameters(root)) all.emplace_back(p.name, p.parameter.value());
  return all;
}

void load_state(Module& root, const State& state, std::string_view what) {
  std::map<std::string, Tensor> given(state.begin(), state.end());
  std::vector<std::string> missing, unexpected, wrong, whole_numbers;
  const std::vector<NamedParameter> wanted = parameters(root);
  for (const auto& [name, parameter] : wanted) {
    const auto found = given.find(name);
    if (found == given.end()) {
      missing.push_back(name);
      continue;
    }
    const Tensor& tensor = found->second;
    if (tensor.shape() != parameter.value().shape())
      wrong.push_back(say(name, tensor.shape(), "instead of", parameter.value().shape()));
    if (tensor.dtype() == Dtype::i64 || tensor.dtype() == Dtype::u8)
      whole_numbers.push_back(say(name, tensor.dtype()));
  }
  std::map<std::string, Tensor> left = given;
  for (const NamedParameter& p : wanted) left.erase(p.name);
  for (const auto& [name, tensor] : left) unexpected.push_back(name);

  std::vector<std::string> complaints;
  complain(complaints, missing, "missing");
  complain(complaints, unexpected, "unexpected");
  complain(complaints, wrong, "of the wrong shape");
  complain(complaints, whole_numbers, "of the wrong type");
  check(complaints.empty(), std::string(what) + ":", join(complaints, ", "));
  for (const auto& [name, parameter] : wanted) {
    const Tensor values = given.at(name).to(parameter.value().dtype());
    std::memcpy(parameter.value().raw(), values.raw(), values.bytes());
  }
}

}  // namespace engine
