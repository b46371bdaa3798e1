// The matrix products of the linear layers of ViT: ours beside Eigen's, OpenBLAS's, BLIS's and MKL's, on all
// cores or OMP_NUM_THREADS. Items are multiply-adds. bench/gemm_peers finds the settings with which the last
// three are fastest; bench/gemm_table runs them in turn.
#include <benchmark/benchmark.h>

#include <Eigen/Core>

#include "bench/peer_blas.h"
#include "bench/products.h"

namespace {

using bench::Operands;
using bench::Product;

void multiply_eigen(const Product& p, Operands& o) {
  using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using Map = Eigen::Map<const Matrix>;
  const float *a = o.a.data<float>().data(), *b = o.b.data<float>().data();
  Eigen::Map<Matrix> c(o.c.data<float>().data(), p.m, p.n);
  if (p.kind == Product::Kind::forward)
    c.noalias() = Map(a, p.m, p.k) * Map(b, p.n, p.k).transpose();
  else if (p.kind == Product::Kind::input_gradient)
    c.noalias() = Map(a, p.m, p.k) * Map(b, p.k, p.n);
  else
    c.noalias() = Map(a, p.k, p.m).transpose() * Map(b, p.k, p.n);
}

template <class Multiply>
void add(const std::string& library, const Product& product, Multiply multiply) {
  benchmark::RegisterBenchmark((product.name() + '/' + library).c_str(),
                               [product, multiply](benchmark::State& state) {
                                 Operands operands(product);
                                 for (auto _ : state) multiply(product, operands);
                                 state.SetItemsProcessed(static_cast<benchmark::IterationCount>(
                                     static_cast<double>(state.iterations()) * product.multiply_adds()));
                               })
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<bench::PeerBlas> peers = bench::open_peers();
  for (const Product& product : bench::linear_products()) {
    add("ours", product, bench::multiply_ours);
    add("Eigen", product, multiply_eigen);
    for (const bench::PeerBlas& peer : peers)
      add(peer.name(), product, [peer](const Product& p, Operands& o) { peer.multiply(p, o); });
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
