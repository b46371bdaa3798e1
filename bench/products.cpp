#include "bench/products.h"

#include "engine/kernels/gemm.h"
#include "engine/tensor/random.h"

namespace bench {

namespace {

/// A layer's sizes in units of the model's width.
struct Layer {
  const char* name;
  Index out, in;
};
constexpr Layer kLayers[] = {{"qkv", 3, 1}, {"proj", 1, 1}, {"fc1", 4, 1}, {"fc2", 1, 4}};

struct Model {
  const char* name;
  Index width, tokens;  // of an image, the class token among them
};
constexpr Model kModels[] = {
    {"Ti", 192, 197}, {"S", 384, 197}, {"B", 768, 197}, {"L", 1024, 197}, {"H", 1280, 257}};
constexpr Index kBatches[] = {1, 8, 32};

}  // namespace

const char* name_of(Product::Kind kind) {
  constexpr const char* kNames[] = {"forward", "dX", "dW"};
  return kNames[static_cast<int>(kind)];
}

std::string Product::name() const {
  return "ViT-" + model + '/' + layer + '/' + std::to_string(batch) + '/' + name_of(kind);
}

std::vector<Product> linear_products() {
  using Kind = Product::Kind;
  std::vector<Product> all;
  for (const Model& model : kModels) {
    for (const Index batch : kBatches) {
      for (const Layer& layer : kLayers) {
        const Index rows = batch * model.tokens, out = layer.out * model.width, in = layer.in * model.width;
        const auto add = [&](Kind kind, Index m, Index n, Index k) {
          all.push_back({model.name, layer.name, batch, kind, m, n, k});
        };
        add(Kind::forward, rows, out, in);
        add(Kind::input_gradient, rows, in, out);
        add(Kind::weight_gradient, out, in, rows);
      }
    }
  }
  return all;
}

Operands::Operands(const Product& p) {
  engine::Random random(0, engine::Random::Use::test);
  a = engine::normal({p.m, p.k}, random, 1);
  b = engine::normal({p.k, p.n}, random, 1);
  c = engine::Tensor::zeros({p.m, p.n});
}

void multiply_ours(const Product& p, Operands& o) {
  using Matrix = engine::kernels::Matrix<float>;
  const float *a = o.a.data<float>().data(), *b = o.b.data<float>().data();
  engine::kernels::gemm(p.a_transposed() ? Matrix{a, p.k, p.m, p.m}.transposed() : Matrix{a, p.m, p.k, p.k},
                        p.b_transposed() ? Matrix{b, p.n, p.k, p.k}.transposed() : Matrix{b, p.k, p.n, p.n},
                        o.c.data<float>().data(), p.n);
}

}  // namespace bench
