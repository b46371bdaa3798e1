#include "engine/ops/attention.h"

#include "engine/kernels/attention.h"
#include "engine/ops/op.h"

namespace engine {

Tensor attention(const Tensor& qkv, Index heads, Index queries) {
  check(qkv.shape().rank() == 3 && heads > 0 && qkv.shape()[2] % (3 * heads) == 0,
        "attention: qkv must be [batch, tokens, 3 * width] with a width that", heads, "heads divide, not",
        qkv.shape());
  const Index batch = qkv.shape()[0], tokens = qkv.shape()[1], width = qkv.shape()[2] / 3;
  check(0 <= queries && queries <= tokens, "attention: qkv", qkv.shape(), "has no", queries, "queries");
  const kernels::AttentionShape s{batch, tokens, heads, width / heads, queries == 0 ? tokens : queries};
  Tensor y = Tensor::uninitialized({batch, s.queries, width}, qkv.dtype());
  Tensor log_sum_exp = Tensor::uninitialized({batch, heads, s.queries}, qkv.dtype());
  visit(qkv.dtype(), [&]<class T>() {
    kernels::attention(s, qkv.data<T>().data(), y.data<T>().data(), log_sum_exp.data<T>().data());
  });
  const bool tracked = qkv.tracked();
  return record(op::attention, {qkv}, y,
                [s, qkv = keep(qkv, tracked), y = keep(y, tracked), log_sum_exp = keep(log_sum_exp, tracked)](
                    const Tensor& dy, const Needs&) -> Grads {
                  Tensor dqkv = Tensor::uninitialized(qkv.shape(), qkv.dtype());
                  visit(qkv.dtype(), [&]<class T>() {
                    kernels::attention_backward(s, qkv.data<T>().data(), y.data<T>().data(),
                                                log_sum_exp.data<T>().data(), dy.data<T>().data(),
                                                dqkv.data<T>().data());
                  });
                  return {dqkv};
                });
}

}  // namespace engine
