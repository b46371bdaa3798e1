#include "peft/adapters/low_rank.h"

#include <algorithm>
#include <cmath>

#include "engine/kernels/gemm.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/linear.h"

namespace peft {

using engine::Index;
using engine::Tensor;

LowRank::LowRank(const Site& site, const Options& options, std::uint64_t seed)
    : a(kaiming_uniform(options.rank, site.weight->value().shape().columns(), seed, site.name)),
      b(Tensor::zeros({site.weight->value().shape().rows(), options.rank})),
      scale_(options.alpha / (options.rslora ? std::sqrt(static_cast<double>(options.rank))
                                             : static_cast<double>(options.rank))) {}

std::vector<Site> low_rank_sites(engine::Module& model, const std::vector<std::string>& patterns,
                                 Index rank) {
  std::vector<Site> all = linear_sites(model, patterns);
  for (const Site& site : all) check_rank(site, rank);
  return all;
}

void check_rank(const Site& site, Index rank) {
  const engine::Shape& shape = site.weight->value().shape();
  const Index most = std::min(shape.rows(), shape.columns());
  engine::check(rank <= most, "--rank", rank, "is more than the", most, "of", site.name, shape);
}

Tensor LowRank::operator()(const Tensor& x) const {
  return engine::scale(engine::linear(engine::linear(x, a), b), scale_);
}

Tensor LowRank::added_to(const Tensor& w) const {
  const Index out = w.shape().rows(), in = w.shape().columns(), rank = a.value().shape().rows();
  Tensor product = Tensor::uninitialized(w.shape(), w.dtype());
  engine::visit(w.dtype(), [&]<class T>() {
    const T *left = b.value().data<T>().data(), *right = a.value().data<T>().data(),
            *old = w.data<T>().data();
    T* sum = product.data<T>().data();
    engine::kernels::gemm<T>({left, out, rank, rank}, {right, rank, in, in}, sum, in);
    for (Index i = 0; i < w.numel(); ++i) sum[i] = old[i] + static_cast<T>(scale_) * sum[i];
  });
  return product;
}

std::vector<OptionInfo> low_rank_options() {
  return {{"rank", "N", "8", "rank of the increment"},
          {"alpha", "X", "8", "the increment is scaled by alpha / rank"},
          {"rslora", "", "off", "scale by alpha / sqrt(rank) instead"},
          {"targets", "GLOB,...", "blocks.*.attn.qkv",
           "linear layers to adapt; qkv is q_proj, k_proj and v_proj where they are apart"}};
}

LowRank::Options read_low_rank(const OptionValues& values) {
  return {
      .rank = values.integer("rank", 1), .alpha = values.positive("alpha"), .rslora = values.on("rslora")};
}

}  // namespace peft
