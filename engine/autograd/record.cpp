#include "engine/autograd/record.h"

#include <algorithm>
#include <atomic>

namespace engine {
namespace {

thread_local bool recording = true;

/// Ops are numbered as they run: a higher number never feeds a lower one.
std::uint64_t next_order() {
  static std::atomic<std::uint64_t> order{0};
  return ++order;
}

}  // namespace

bool grad_enabled() {
  return recording;
}

NoGrad::NoGrad() : before_(std::exchange(recording, false)) {}
NoGrad::~NoGrad() {
  recording = before_;
}

Tensor record(std::string_view op, std::initializer_list<Tensor> inputs, Tensor y, Backward backward) {
  const bool any = std::any_of(inputs.begin(), inputs.end(), [](const Tensor& t) { return t.tracked(); });
  return recording && any ? record_always(op, inputs, y, std::move(backward)) : y.detached();
}

Tensor record_always(std::string_view op, std::initializer_list<Tensor> inputs, const Tensor& y,
                     Backward backward) {
  auto node = std::make_shared<Node>();
  node->op = op;
  node->order = next_order();
  for (const Tensor& t : inputs) node->inputs.push_back(t.node());
  node->backward = std::move(backward);
  return y.with_node(std::move(node));
}

Tensor keep(const Tensor& t, bool needed) {
  return needed && recording ? t.detached() : Tensor();
}

Tensor recomputed(const Tensor& y, std::function<Tensor()> again) {
  if (y.tracked()) y.node()->again = std::move(again);
  return y;
}

Kept keep_cheaply(const Tensor& t) {
  return t.tracked() && t.node()->again ? Kept(t.node()->again) : Kept(t.detached());
}

const Selection& trained_part(const Tensor& input) {
  static const Selection nothing = Selection::none();
  return recording && input.tracked() ? *wanted(input.node().get()).part : nothing;
}

const GradientForm& gradient_form(const Tensor& input) {
  static const GradientForm of_selection;
  return recording && input.tracked() ? *wanted(input.node().get()).form : of_selection;
}

}  // namespace engine
