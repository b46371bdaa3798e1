// Matrix products of the sizes a ViT has, ours beside Eigen's. One thread and all; items are multiply-adds.
#include <benchmark/benchmark.h>

#include <Eigen/Core>

#include "engine/kernels/gemm.h"
#include "engine/kernels/parallel.h"
#include "engine/tensor/random.h"

namespace {

using engine::Index;
using engine::Tensor;

struct Product {
  explicit Product(const benchmark::State& state) : m(state.range(0)), n(state.range(1)), k(state.range(2)) {
    engine::Random random(0, engine::Random::Use::test);
    a = engine::normal({m, k}, random, 1);
    b = engine::normal({n, k}, random, 1);
    c = Tensor::zeros({m, n});
  }
  Index m, n, k;
  Tensor a, b, c;
};

void ours(benchmark::State& state) {
  Product p(state);
  engine::kernels::set_threads(static_cast<int>(state.range(3)));
  const engine::kernels::Matrix<float> a{p.a.data<float>().data(), p.m, p.k, p.k},
      b{p.b.data<float>().data(), p.n, p.k, p.k};
  for (auto _ : state) engine::kernels::gemm(a, b.transposed(), p.c.data<float>().data(), p.n);
  state.SetItemsProcessed(state.iterations() * p.m * p.n * p.k);
}

void eigen(benchmark::State& state) {
  using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Product p(state);
  Eigen::setNbThreads(static_cast<int>(state.range(3)));
  const Eigen::Map<Matrix> a(p.a.data<float>().data(), p.m, p.k), b(p.b.data<float>().data(), p.n, p.k);
  Eigen::Map<Matrix> c(p.c.data<float>().data(), p.m, p.n);
  for (auto _ : state) c.noalias() = a * b.transpose();
  state.SetItemsProcessed(state.iterations() * p.m * p.n * p.k);
}

/// rows = pictures x tokens, columns and depth of qkv, proj, fc1 and fc2 of ViT-Ti and ViT-B.
void shapes(benchmark::internal::Benchmark* bench) {
  for (Index threads : {1, 0}) {
    for (Index width : {192, 768}) {
      const Index rows = width == 192 ? 32 * 197 : 8 * 197;
      bench->Args({rows, 3 * width, width, threads})->Args({rows, width, width, threads});
      bench->Args({rows, 4 * width, width, threads})->Args({rows, width, 4 * width, threads});
    }
  }
  bench->ArgNames({"m", "n", "k", "threads"})->UseRealTime()->Unit(benchmark::kMillisecond);
}

BENCHMARK(ours)->Apply(shapes);
BENCHMARK(eigen)->Apply(shapes);

}  // namespace
