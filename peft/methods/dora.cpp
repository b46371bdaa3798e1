#include <algorithm>
#include <cmath>

#include "engine/nn/roles.h"
#include "engine/ops/arithmetic.h"
#include "peft/adapters/low_rank.h"
#include "peft/method_info.h"

namespace peft {
namespace {

using engine::Index;
using engine::Parameter;
using engine::Tensor;

/// The lengths of the rows of w.
Tensor row_lengths(const Tensor& w) {
  Tensor lengths = Tensor::uninitialized({w.shape().rows()}, w.dtype());
  engine::visit(w.dtype(), [&]<class T>() {
    const T* x = w.data<T>().data();
    for (T& length : lengths.data<T>()) {
      double squares = 0;
      for (Index j = 0; j < w.shape().columns(); ++j, ++x)
        squares += static_cast<double>(*x) * static_cast<double>(*x);
      length = static_cast<T>(std::sqrt(squares));
    }
  });
  return lengths;
}

Tensor inverted(Tensor x) {
  engine::visit(x.dtype(), [&]<class T>() {
    for (T& value : x.data<T>()) value = value > 0 ? 1 / value : 0;
  });
  return x;
}

class DoraAdapter : public engine::Adapter {
 public:
  DoraAdapter(const Site& site, const LowRank::Options& options, std::uint64_t seed)
      : increment_(site, options, seed),
        weight_(*site.weight),
        biased_(std::ranges::any_of(own_parameters(*site.layer),
                                    [](const auto& p) { return engine::is_bias(p.name); })),
        magnitude_(row_lengths(site.weight->value())) {}

  std::string_view name() const override { return "dora"; }

  /// m (W x + scale B A x) / |W + scale B A| + b, row by row. The lengths are constants in the backward pass
  /// (section 4.3 of the paper).
  Tensor operator()(const Tensor& x, const engine::Base& layer) override {
    const Tensor factor =
        engine::multiply(magnitude_, inverted(row_lengths(increment_.added_to(weight_.value()))));
    const Tensor y = engine::add(layer(x), increment_(x));  // with the bias, which is not to be scaled
    if (!biased_) return engine::affine(y, factor);
    const Tensor bias = layer(Tensor::zeros({weight_.value().shape().columns()}, x.dtype()));
    return engine::affine(y, factor, engine::affine(factor, engine::scale(bias, -1), bias));
  }

  bool merge_into(engine::Adaptable& host) override {
    const auto weight = own_parameter(host, "weight");
    if (!weight) return false;
    Tensor merged = increment_.added_to(weight->value());
    const Tensor inverse = inverted(row_lengths(merged));
    engine::visit(merged.dtype(), [&]<class T>() {
      const Index columns = merged.shape().columns();
      T* w = merged.data<T>().data();
      for (Index i = 0; i < merged.numel(); ++i) {
        const auto row = static_cast<std::size_t>(i / columns);
        w[i] *= magnitude_.value().data<T>()[row] * inverse.data<T>()[row];
      }
    });
    weight->value() = merged;
    return true;
  }

  void parts(engine::Parts& visit) override {
    visit("a", increment_.a);
    visit("b", increment_.b);
    visit("magnitude", magnitude_);
  }

 private:
  LowRank increment_;
  Parameter weight_;  ///< the layer's
  bool biased_;
  Parameter magnitude_;
};

}  // namespace

MethodInfo dora() {
  return {"dora", "LoRA for the directions of the weights, their magnitudes trained separately",
          "DoRA (Liu et al. 2024, arXiv 2402.09353). Every target's weight W becomes m (W + (alpha / rank) "
          "B A) / |W + (alpha / rank) B A|, row by row. A, B, the magnitudes m [out] and the head train. "
          "`merge` writes the product into the weight.",
          low_rank_options(), [](const OptionValues& values) -> std::unique_ptr<Method> {
            return std::make_unique<LowRankMethod<DoraAdapter>>(values);
          }};
}

}  // namespace peft
