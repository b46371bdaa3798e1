#include "engine/autograd/node.h"

namespace engine {

Node::~Node() {
  backward = nullptr;  // it may hold an input too
  again = nullptr;
  std::vector<std::shared_ptr<Node>> waiting = std::move(inputs);
  while (!waiting.empty()) {
    const std::shared_ptr<Node> node = std::move(waiting.back());
    waiting.pop_back();
    if (!node || node.use_count() > 1) continue;
    node->backward = nullptr;
    node->again = nullptr;
    for (std::shared_ptr<Node>& input : node->inputs) waiting.push_back(std::move(input));
    node->inputs.clear();
  }
}

Wanted wanted(const Node* input) {
  static const Selection everything;
  static const GradientForm of_selection;
  if (!input) return {};
  if (!input->leaf) return {&everything, &of_selection};
  const ParameterState& p = *input->leaf;
  return {p.form.follows_selection() ? &p.trains : &everything, &p.form};
}

}  // namespace engine
