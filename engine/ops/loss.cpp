#include "engine/ops/loss.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/kernels/gemm.h"
#include "engine/ops/matrix.h"
#include "engine/ops/op.h"
#include "engine/tensor/op_work.h"

namespace engine {
namespace {

/// The contrastive loss, and its gradient by the similarities [n, n] before the division by the anchors.
struct Contrast {
  Tensor by_similarity;
  double loss;
  Index anchors;  ///< rows that have a partner; the loss is the mean over them
};

template <class T>
Contrast contrast(const Tensor& features, std::span<const Index> labels, double temperature) {
  const Index n = features.shape()[0];
  Tensor similarity = Tensor::uninitialized({n, n}, features.dtype());
  const OpTimer timer([&] {
    return product_work("loss forward", n, n, features.shape()[1], bytes_of(features, similarity));
  });
  kernels::gemm(matrix<T>(features), matrix<T>(features).transposed(), similarity.data<T>().data(), n);
  T* const g = similarity.data<T>().data();  // row by row, similarities become gradients
  double loss = 0;
  Index anchors = 0;
  std::vector<double> p(static_cast<std::size_t>(n));
  for (Index i = 0; i < n; ++i) {
    T* const row = g + i * n;
    Index partners = 0;
    double top = -INFINITY, total = 0, attraction = 0;
    for (Index j = 0; j < n; ++j) {
      if (j == i) continue;
      top = std::max(top, row[j] / temperature);
      if (labels[static_cast<std::size_t>(j)] == labels[static_cast<std::size_t>(i)])
        ++partners, attraction += row[j] / temperature;
    }
    for (Index j = 0; j < n; ++j)
      total += p[static_cast<std::size_t>(j)] = j == i ? 0 : std::exp(row[j] / temperature - top);
    for (Index j = 0; j < n; ++j) {
      const bool partner =
          j != i && labels[static_cast<std::size_t>(j)] == labels[static_cast<std::size_t>(i)];
      const double pull = partner ? 1.0 / static_cast<double>(partners) : 0.0;
      row[j] =
          static_cast<T>(partners == 0 ? 0.0 : (p[static_cast<std::size_t>(j)] / total - pull) / temperature);
    }
    if (partners == 0) continue;
    loss += top + std::log(total) - attraction / static_cast<double>(partners);
    ++anchors;
  }
  check(anchors > 0, "sup_con: no two of the", n,
        "rows have the same label, so there is nothing to contrast");
  return {similarity, loss / static_cast<double>(anchors), anchors};
}

}  // namespace

Tensor one_hot(std::span<const Index> labels, Index classes, double smoothing, Dtype dtype) {
  Tensor targets = Tensor::full({static_cast<Index>(labels.size()), classes},
                                smoothing / static_cast<double>(classes), dtype);
  visit(dtype, [&]<class T>() {
    T* row = targets.data<T>().data();
    for (Index label : labels) {
      check(0 <= label && label < classes, "one_hot: label", label, "is not one of", classes, "classes");
      row[label] += static_cast<T>(1 - smoothing);
      row += classes;
    }
  });
  return targets;
}

Tensor cross_entropy(const Tensor& logits, const Tensor& targets) {
  const Shape& s = logits.shape();
  check(s.rank() == 2 && s[0] > 0 && targets.shape() == s && targets.dtype() == logits.dtype(),
        "cross_entropy: targets", targets.dtype(), targets.shape(), "do not fit logits", logits.dtype(), s);
  check(!targets.tracked(), "cross_entropy: the targets are not trained");
  const Index n = s[0], classes = s[1];
  Tensor dlogits = Tensor::uninitialized(s, logits.dtype());  // (mass softmax - target) / n
  double loss = 0;
  visit(logits.dtype(), [&]<class T>() {
    const OpTimer timer(
        [&] { return loop_work("loss forward", logits, bytes_of(logits, targets, dlogits)); });
    for (Index i = 0; i < n; ++i) {
      const T *x = logits.data<T>().data() + i * classes, *t = targets.data<T>().data() + i * classes;
      T* to = dlogits.data<T>().data() + i * classes;
      double top = -INFINITY, total = 0, mass = 0;  // mass: 1, but for the rounding of soft targets
      for (Index j = 0; j < classes; ++j) top = std::max(top, static_cast<double>(x[j]));
      for (Index j = 0; j < classes; ++j) mass += t[j];
      for (Index j = 0; j < classes; ++j) total += std::exp(x[j] - top);
      const double log_total = std::log(total) + top;
      for (Index j = 0; j < classes; ++j) {
        loss += t[j] * (log_total - x[j]);
        to[j] = static_cast<T>((mass * std::exp(x[j] - log_total) - t[j]) / static_cast<double>(n));
      }
    }
  });
  return record(op::cross_entropy, {logits}, Tensor::full({1}, loss / static_cast<double>(n), logits.dtype()),
                [dlogits = keep(dlogits, logits.tracked())](const Tensor& dy, const Needs&) -> Grads {
                  Tensor dx = Tensor::uninitialized(dlogits.shape(), dlogits.dtype());
                  visit(dlogits.dtype(), [&]<class T>() {
                    const OpTimer timer([&] { return loop_work("loss backward", dx, 2 * dx.bytes()); });
                    const T factor = dy.data<T>()[0];
                    std::ranges::transform(dlogits.data<T>(), dx.data<T>().begin(),
                                           [factor](T v) { return factor * v; });
                  });
                  return {dx};
                });
}

Tensor sup_con(const Tensor& features, std::span<const Index> labels, double temperature) {
  check(features.shape().rank() == 2 && features.shape()[0] == static_cast<Index>(labels.size()),
        "sup_con: features", features.shape(), "do not fit", labels.size(), "labels");
  check(temperature > 0, "sup_con: the temperature must be positive, not", temperature);
  const Index width = features.shape()[1];
  const Contrast c =
      visit(features.dtype(), [&]<class T>() { return contrast<T>(features, labels, temperature); });
  return record(op::sup_con, {features}, Tensor::full({1}, c.loss, features.dtype()),
                [g = keep(c.by_similarity, features.tracked()), z = keep(features, features.tracked()), width,
                 anchors = c.anchors](const Tensor& dy, const Needs&) -> Grads {
                  // The similarity of i and j depends on both rows: dz = (G + G^T) z.
                  Tensor dz = Tensor::uninitialized(z.shape(), z.dtype());
                  visit(z.dtype(), [&]<class T>() {
                    const OpTimer timer([&] {  // two products of g, at once
                      return product_work("loss backward", z.shape()[0], width, 2 * z.shape()[0],
                                          bytes_of(g, z, dz));
                    });
                    T* to = dz.data<T>().data();
                    kernels::gemm(matrix<T>(g), matrix<T>(z), to, width);
                    kernels::gemm(matrix<T>(g).transposed(), matrix<T>(z), to, width, {.add = true});
                    const T factor = dy.data<T>()[0] / static_cast<T>(anchors);
                    for (T& v : dz.data<T>()) v *= factor;
                  });
                  return {dz};
                });
}

}  // namespace engine
