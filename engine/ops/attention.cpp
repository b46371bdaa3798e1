#include "engine/ops/attention.h"

#include <algorithm>
#include <array>

#include "engine/kernels/attention.h"
#include "engine/kernels/parallel.h"
#include "engine/kernels/reduce.h"
#include "engine/ops/op.h"
#include "engine/tensor/op_work.h"

namespace engine {
namespace {

/// Attention that does `products` products and moves `bytes` besides what it reads of queries, keys and
/// values: of the queries only those asked for.
OpWork work(std::string_view kind, const kernels::AttentionShape& s, Dtype dtype, Index products,
            std::size_t bytes) {
  const Index scores = s.batch * s.heads * s.queries * s.tokens;
  const Index read = s.batch * (s.queries + 2 * s.tokens) * s.heads * s.width;
  return {kind,
          {s.batch, s.heads, s.queries, s.tokens, s.width},
          products * scores * s.width,
          bytes + static_cast<std::size_t>(read * size_of(dtype))};
}

using Inputs = std::array<Tensor, 3>;

/// Where queries, keys or values are: in one of the inputs, from a column on.
struct Source {
  std::size_t input;
  Index column;
};
using Sources = std::array<Source, 3>;

template <class T, class Tensors>
kernels::HeadRows<T> rows_of(Tensors& tensors, const Source& source) {
  auto& t = tensors[source.input];
  return {t.template data<std::remove_const_t<T>>().data() + source.column, t.shape()[2],
          t.shape().columns()};
}

template <class T, class Tensors>
kernels::AttentionRows<T> rows_of(Tensors& tensors, const Sources& from) {
  return {rows_of<T>(tensors, from[0]), rows_of<T>(tensors, from[1]), rows_of<T>(tensors, from[2])};
}

/// The table [entries, heads] as [heads, entries]; empty when there is none.
Tensor by_heads(const Tensor& table) {
  if (!table.defined()) return {};
  const Index entries = table.shape()[0], heads = table.shape()[1];
  Tensor turned = Tensor::uninitialized({heads, entries}, table.dtype());
  visit(table.dtype(), [&]<class T>() {
    const T* from = table.data<T>().data();
    T* to = turned.data<T>().data();
    for (Index h = 0; h < heads; ++h)
      for (Index e = 0; e < entries; ++e) to[h * entries + e] = from[e * heads + h];
  });
  return turned;
}

/// The sum over images of the tables [batch, heads, entries], as [entries, heads].
Tensor summed_table(const Tensor& tables) {
  const Index batch = tables.shape()[0], heads = tables.shape()[1], entries = tables.shape()[2];
  Tensor sum = Tensor::uninitialized({entries, heads}, tables.dtype());
  visit(tables.dtype(), [&]<class T>() {
    const T* from = tables.data<T>().data();
    kernels::column_sums(batch, entries * heads, sum.data<T>().data(), [=](Index i, Index j) {
      return from[(i * heads + j % heads) * entries + j / heads];
    });
  });
  return sum;
}

/// What the rule of an attention reads.
struct Recorded {
  kernels::AttentionShape shape;
  Sources from;
  Inputs inputs;
  Tensor y, log_sum_exp, table;  ///< the table by heads
  Index down, across;
  KeptPatches kept;

  template <class T>
  kernels::RelativeBias<const T> bias() const {
    return {table.defined() ? table.data<T>().data() : nullptr, down, across, kept.data(),
            kept.all() ? down * across : kept.count()};
  }

  /// The gradients of the inputs and of the table.
  Grads operator()(const Tensor& dy, const Needs& needs) const {
    const auto& s = shape;
    Inputs gradients;
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (inputs[i].defined()) gradients[i] = Tensor::uninitialized(inputs[i].shape(), dy.dtype());
    Tensor tables;
    visit(dy.dtype(), [&]<class T>() {
      if (needs(3)) tables = Tensor::uninitialized({s.batch, s.heads, bias<T>().entries()}, dy.dtype());
      const OpTimer timer([&] {
        return work("attention backward", s, dy.dtype(), 5,
                    bytes_of(y, log_sum_exp, dy, gradients[0], gradients[1], gradients[2]));
      });
      kernels::attention_backward(s, rows_of<const T>(inputs, from), bias<T>(), y.data<T>().data(),
                                  log_sum_exp.data<T>().data(), dy.data<T>().data(),
                                  rows_of<T>(gradients, from),
                                  tables.defined() ? tables.data<T>().data() : nullptr);
      clear_other_queries(rows_of<T>(gradients, from).q, gradients[from[0].input].shape()[1]);
    });
    return {gradients[0], gradients[1], gradients[2], needs(3) ? Grad(summed_table(tables)) : Grad()};
  }

  /// Tokens that asked for nothing, as queries have no influence.
  template <class T>
  void clear_other_queries(const kernels::HeadRows<T>& q, Index tokens) const {
    if (tokens == shape.queries) return;
    kernels::parallel_for(shape.batch, [&](Index i) {
      for (Index t = shape.queries; t < tokens; ++t)
        std::fill_n(q.data + i * q.image + t * q.row, shape.heads * shape.width, T{0});
    });
  }
};

Tensor attend(const Inputs& in, const Sources& from, const kernels::AttentionShape& s,
              const RelativePositions& bias) {
  const Dtype dtype = in[0].dtype();
  Tensor y = Tensor::uninitialized({s.batch, s.queries, s.heads * s.width}, dtype);
  Tensor log_sum_exp = Tensor::uninitialized({s.batch, s.heads, s.queries}, dtype);
  bool tracked = bias.table.tracked();
  for (const Tensor& t : in) tracked = tracked || t.tracked();
  Recorded recorded{s, from, in, y, log_sum_exp, by_heads(bias.table), bias.down, bias.across, bias.kept};
  visit(dtype, [&]<class T>() {
    check(!bias.table.defined() || (bias.table.shape() == Shape{recorded.bias<T>().entries(), s.heads} &&
                                    bias.table.dtype() == dtype && recorded.bias<T>().kept < s.tokens &&
                                    (bias.kept.all() || bias.kept.patches() == bias.down * bias.across)),
          "attention: a table", bias.table.shape(), "of relative positions does not fit", bias.down, "x",
          bias.across, "patches,", s.heads, "heads and", s.tokens, "tokens");
    bias.kept.check_images("attention:", s.batch);
    const OpTimer timer([&] { return work("attention forward", s, dtype, 2, bytes_of(y, log_sum_exp)); });
    kernels::attention(s, rows_of<const T>(in, from), recorded.bias<T>(), y.data<T>().data(),
                       log_sum_exp.data<T>().data());
  });
  if (!tracked || !grad_enabled()) return y;
  for (Tensor& t : recorded.inputs) t = t.detached();
  return record(op::attention, {in[0], in[1], in[2], bias.table}, y, std::move(recorded));
}

}  // namespace

Index RelativePositions::entries(Index down, Index across) {
  return kernels::RelativeBias<float>{nullptr, down, across}.entries();
}

Tensor attention(const Tensor& qkv, Index heads, Index queries, const RelativePositions& bias) {
  check(qkv.shape().rank() == 3 && heads > 0 && qkv.shape()[2] % (3 * heads) == 0,
        "attention: qkv must be [batch, tokens, 3 * width] with a width that", heads, "heads divide, not",
        qkv.shape());
  const Index batch = qkv.shape()[0], tokens = qkv.shape()[1], width = qkv.shape()[2] / 3;
  check(0 <= queries && queries <= tokens, "attention: qkv", qkv.shape(), "has no", queries, "queries");
  return attend({qkv, {}, {}}, {{{0, 0}, {0, width}, {0, 2 * width}}},
                {batch, tokens, heads, width / heads, queries == 0 ? tokens : queries}, bias);
}

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, Index heads, Index queries) {
  const Shape& shape = q.shape();
  check(shape.rank() == 3 && heads > 0 && shape[2] % heads == 0 && k.shape() == shape && v.shape() == shape &&
            k.dtype() == q.dtype() && v.dtype() == q.dtype(),
        "attention: q", shape, "k", k.shape(), "and v", v.shape(),
        "must be [batch, tokens, width] with a width that", heads, "heads divide");
  check(0 <= queries && queries <= shape[1], "attention: q", shape, "has no", queries, "queries");
  return attend({q, k, v}, {{{0, 0}, {1, 0}, {2, 0}}},
                {shape[0], shape[1], heads, shape[2] / heads, queries == 0 ? shape[1] : queries}, {});
}

Tensor cross_attention(const Tensor& q, const Tensor& kv, Index heads) {
  const Shape& shape = q.shape();
  check(shape.rank() == 3 && kv.shape().rank() == 3 && heads > 0 && shape[2] % heads == 0 &&
            kv.shape()[0] == shape[0] && kv.shape()[2] == 2 * shape[2] && kv.dtype() == q.dtype(),
        "cross_attention: q", shape, "does not fit kv", kv.shape(), "of", heads, "heads");
  return attend({q, kv, {}}, {{{0, 0}, {1, 0}, {1, shape[2]}}},
                {shape[0], kv.shape()[1], heads, shape[2] / heads, shape[1]}, {});
}

}  // namespace engine
