#include "engine/ops/reduce.h"

#include "engine/kernels/reduce.h"
#include "engine/ops/op.h"

namespace engine {

Tensor sum(const Tensor& x) {
  const double total = visit(x.dtype(), [&]<class T>() {
    return kernels::sum(x.numel(), [p = x.data<T>().data()](Index i) { return p[i]; });
  });
  return record(op::sum, {x}, Tensor::full({1}, total, x.dtype()),
                [shape = x.shape()](const Tensor& dy, const Needs&) -> Grads {
                  return {Tensor::full(shape, dy.item(), dy.dtype())};
                });
}

}  // namespace engine
