#pragma once

#include "engine/nn/linear.h"
#include "engine/nn/norm.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/linear.h"
#include "tests/support/random_tensor.h"

namespace engine {

/// A small tree: a parameter, a list of two layers, a norm, and a head without bias.
class Toy : public Module {
 public:
  Toy() : token(Tensor::zeros({1, 1, 3})), norm(3, 1e-6), head(3, 2, Linear::Bias::no) {
    blocks.emplace_back(3, 4);
    blocks.emplace_back(4, 3);
  }

  Tensor operator()(const Tensor& x) { return head(norm(blocks[1](blocks[0](x)))); }

  void parts(Parts& visit) override {
    visit("token", token);
    visit("blocks", blocks);
    visit("norm", norm);
    visit("head", head);
  }

  Parameter token;
  std::vector<Linear> blocks;
  Norm norm;
  Linear head;
};

/// Fills every parameter with random values.
inline void randomize(Module& root) {
  std::uint64_t stream = 0;
  for (const NamedParameter& p : parameters(root)) {
    const Shape& shape = p.parameter.value().shape();
    p.parameter.value() = support::random_tensor(shape, ++stream, p.parameter.value().dtype());
  }
}

/// y = layer(x) + x delta^T, where delta starts at zero.
class Detour : public Adapter {
 public:
  Detour(Index in, Index out) : delta(Tensor::zeros({out, in})) {}

  std::string_view name() const override { return "detour"; }
  Tensor operator()(const Tensor& x, const Base& layer) override { return add(layer(x), linear(x, delta)); }

  bool merge_into(Adaptable& host) override {
    auto* into = dynamic_cast<Linear*>(&host);
    if (into) into->weight.value() = add(into->weight.value(), delta.value());
    return into != nullptr;
  }

  void parts(Parts& visit) override { visit("delta", delta); }

  Parameter delta;
};

}  // namespace engine
