#include "engine/ops/attention.h"

#include "engine/kernels/attention.h"
#include "engine/ops/op.h"
#include "engine/tensor/op_work.h"

namespace engine {
namespace {

/// Attention that does `products` products and moves `bytes` besides what it reads of qkv: of the queries
/// only those asked for.
OpWork work(std::string_view kind, const kernels::AttentionShape& s, Dtype dtype, Index products,
            std::size_t bytes) {
  const Index scores = s.batch * s.heads * s.queries * s.tokens;
  const Index read = s.batch * (s.queries + 2 * s.tokens) * s.heads * s.width;
  return {kind,
          {s.batch, s.heads, s.queries, s.tokens, s.width},
          products * scores * s.width,
          bytes + static_cast<std::size_t>(read * size_of(dtype))};
}

}  // namespace

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
    const OpTimer timer(
        [&] { return work("attention forward", s, qkv.dtype(), 2, bytes_of(y, log_sum_exp)); });
    kernels::attention(s, qkv.data<T>().data(), y.data<T>().data(), log_sum_exp.data<T>().data());
  });
  const bool tracked = qkv.tracked();
  return record(op::attention, {qkv}, y,
                [s, qkv = keep(qkv, tracked), y = keep(y, tracked), log_sum_exp = keep(log_sum_exp, tracked)](
                    const Tensor& dy, const Needs&) -> Grads {
                  Tensor dqkv = Tensor::uninitialized(qkv.shape(), qkv.dtype());
                  visit(qkv.dtype(), [&]<class T>() {
                    const OpTimer timer([&] {
                      return work("attention backward", s, qkv.dtype(), 5,
                                  bytes_of(y, log_sum_exp, dy, dqkv));
                    });
                    kernels::attention_backward(s, qkv.data<T>().data(), y.data<T>().data(),
                                                log_sum_exp.data<T>().data(), dy.data<T>().data(),
                                                dqkv.data<T>().data());
                  });
                  return {dqkv};
                });
}

}  // namespace engine
