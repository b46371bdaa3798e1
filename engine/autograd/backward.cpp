#include "engine/autograd/backward.h"

#include <map>

#include "engine/autograd/node.h"
#include "engine/kernels/elementwise.h"
#include "engine/tensor/op_work.h"

namespace engine {
namespace {

/// Adds `from` to `into`. Never writes to a buffer that another tensor may still read.
void accumulate(Tensor& into, const Tensor& from) {
  if (!into.defined()) {
    into = from.detached();
    return;
  }
  check(into.shape() == from.shape(), "backward: a gradient", from.shape(), "meets one of shape",
        into.shape());
  const OpTimer timer([&] { return loop_work("add gradients", from, 3 * from.bytes()); });
  Tensor sum = into.unshared() ? std::move(into) : into.clone();
  visit(sum.dtype(), [&]<class T>() {
    T* const to = sum.data<T>().data();
    kernels::add(sum.numel(), to, from.data<T>().data(), to);
  });
  into = std::move(sum);
}

/// The gradients that wait for their op, latest op first: order numbers instead of recursion, so that a long
/// graph never overflows the stack.
using Pending = std::map<std::uint64_t, std::pair<std::shared_ptr<Node>, Tensor>, std::greater<>>;

/// The gradient in a buffer that nothing else reads.
Tensor own(Tensor& gradient) {
  Tensor alone = std::move(gradient);
  return alone.unshared() ? alone : alone.clone();
}

void hand_down(Node& node, Grads grads, Pending& pending) {
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const std::shared_ptr<Node>& input = node.inputs[i];
    if (!input) continue;
    Grad& grad = grads[i];
    check(grad.value.defined(), "backward:", node.op, "gave no gradient for input", i);
    if (input->leaf) {
      ParameterState& p = *input->leaf;
      const Shape& full = p.value.shape();
      const auto* const reduced = std::get_if<GradientForm::Reduced>(&p.form.kind());
      const Shape expected = grad.is_packed ? p.form.shape(full, p.trains) : full;
      check(grad.value.shape() == expected && !(reduced && grad.is_packed), "backward:", node.op,
            "gave a gradient", grad.value.shape(), "for", expected);
      if (reduced)
        p.grad = reduced->reducer->add(p.grad, own(grad.value));
      else if (grad.is_packed || (p.form.follows_selection() && p.trains.whole()))
        accumulate(p.grad, grad.value);
      else
        accumulate(p.grad, p.form.of(grad.value, p.trains));
    } else {
      auto& [waiting, sum] = pending[input->order];
      waiting = input;
      accumulate(sum, grad.value);
    }
  }
}

}  // namespace

void backward(const Tensor& loss) {
  check(loss.tracked(), "backward: the loss depends on no parameter that trains");
  check(loss.numel() == 1, "backward: the loss must be one value, not", loss.shape());
  check(!loss.node()->leaf, "backward: the loss is a parameter itself");
  backward(loss, Tensor::full(loss.shape(), 1, loss.dtype()));
}

void backward(const Tensor& y, const Tensor& dy) {
  check(y.tracked() && !y.node()->leaf, "backward: there is no graph behind", y.shape());
  check(y.shape() == dy.shape() && y.dtype() == dy.dtype(), "backward: a gradient", dy.dtype(), dy.shape(),
        "for", y.dtype(), y.shape());
  Pending pending;
  pending[y.node()->order] = {y.node(), dy.detached()};
  while (!pending.empty()) {
    auto [node, gradient] = std::move(pending.begin()->second);
    pending.erase(pending.begin());
    check(node->backward != nullptr, "backward:", node->op,
          "was already freed: backward() goes through a graph once");
    std::vector<Wanted> all;
    for (const auto& input : node->inputs) all.push_back(wanted(input.get()));
    Grads grads = node->backward(std::move(gradient), Needs(std::move(all)));
    check(grads.size() == node->inputs.size(), "backward:", node->op, "gave", grads.size(), "gradients for",
          node->inputs.size(), "inputs");
    node->backward = nullptr;
    node->again = nullptr;
    hand_down(*node, std::move(grads), pending);
    node->inputs.clear();
  }
}

}  // namespace engine
