#include "engine/autograd/recompute.h"

#include "engine/autograd/backward.h"
#include "engine/autograd/parameter.h"
#include "engine/base/op_timer.h"

namespace engine {

Tensor recompute(const std::function<Tensor(const Tensor&)>& f, const Tensor& x) {
  const Tensor y = f(x);
  if (!y.tracked()) return y;
  // The graph of this call goes with `y`; its place is taken by one node, tied to x if x is tracked.
  return record_always("recompute", {x}, y,
                       [f, x = x.detached(), tracked = x.tracked()](const Tensor& dy, const Needs&) -> Grads {
                         const auto again = [&f](const Tensor& in) {
                           const Recomputing recomputing;
                           return f(in);
                         };
                         if (!tracked) {
                           backward(again(x), dy);
                           return {Grad()};
                         }
                         const Parameter input(x);
                         backward(again(input), dy);
                         return {input.grad().defined() ? input.grad() : Tensor::zeros(x.shape(), x.dtype())};
                       });
}

}  // namespace engine
