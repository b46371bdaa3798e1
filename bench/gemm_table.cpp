// A table of the matrix products of ViT's linear layers: ours, OpenBLAS, BLIS and MKL in turn, round by
// round, so that a machine that slows down slows all alike. Medians of the rounds, their geometric means, and
// the products that stay behind.
//   bench_gemm_table [--rounds N] [--only REGEX] [--instruction-set NAME]
//   bench_gemm_table --probe LIBRARY      GFLOP/s with one layer's products, for bench/gemm_peers
// NAME is that of our kernels; bench/gemm_peers limits the peers to the same. REGEX is of
// MODEL/LAYER/BATCH/KIND:
//   ViT-Ti, S, B or L at patch 16, or ViT-H at patch 14 / qkv, proj, fc1 or fc2 / 1, 8 or 32 / forward, dX or
//   dW
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <iostream>
#include <map>
#include <regex>

#include "bench/peer_blas.h"
#include "bench/products.h"
#include "engine/base/text.h"
#include "engine/kernels/caches.h"
#include "engine/kernels/parallel.h"
#include "engine/kernels/peak.h"
#include "engine/kernels/simd.h"

namespace {

using bench::Operands;
using bench::Product;

constexpr double kSampleMultiplyAdds = 5e8;  // small products are repeated until they last some ms
// Sums of k products of standard normal values have a standard deviation of sqrt(k); in f32 they differ by
// far less.
constexpr double kLargestDifference = 1e-3;
constexpr double kLimits[] = {0.85, 0.88, 0.95};  // of ours / best peer, below which products are listed

struct Library {
  std::string name;
  std::function<void(const Product&, Operands&)> multiply;
};

std::vector<Library> libraries() {
  std::vector<Library> all{{"ours", bench::multiply_ours}};
  for (const bench::PeerBlas& peer : bench::open_peers())
    all.push_back({peer.name(), [peer](const Product& p, Operands& o) { peer.multiply(p, o); }});
  return all;
}

/// GFLOP/s of one sample.
double sample(const Library& library, const Product& product, Operands& operands) {
  const int times = std::max(1, static_cast<int>(kSampleMultiplyAdds / product.multiply_adds()));
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < times; ++i) library.multiply(product, operands);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  return 2e-9 * product.multiply_adds() * times / seconds.count();
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// Each library's product has to be that of the first, which also warms up.
void check_alike(const std::vector<Library>& all, const Product& product, Operands& operands) {
  const double largest = kLargestDifference * std::sqrt(static_cast<double>(product.k));
  std::vector<float> first;
  for (const Library& library : all) {
    library.multiply(product, operands);
    const auto c = operands.c.data<float>();
    if (first.empty()) first.assign(c.begin(), c.end());
    for (std::size_t i = 0; i < first.size(); ++i)
      engine::check(std::abs(c[i] - first[i]) <= largest, library.name, "computes", c[i], "at", i, "of",
                    product.name() + ", where", all[0].name, "computes", first[i]);
  }
}

/// GFLOP/s of each library, in turn.
std::vector<double> compare(const std::vector<Library>& all, const Product& product, int rounds) {
  Operands operands(product);
  std::vector<std::vector<double>> samples(all.size());
  check_alike(all, product, operands);
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < all.size(); ++i) samples[i].push_back(sample(all[i], product, operands));
  }
  std::vector<double> medians;
  for (std::vector<double>& s : samples) medians.push_back(median(std::move(s)));
  return medians;
}

/// The geometric mean of positive values that come one by one.
struct GeometricMean {
  double logs = 0;
  int count = 0;
  void add(double x) { logs += std::log(x), ++count; }
  double value() const { return std::exp(logs / count); }
};

/// Ours / best peer of the products so far.
struct Ratios {
  std::vector<std::pair<double, std::string>> all;
  std::map<std::string, GeometricMean> means;

  void add(const Product& p, double ratio) {
    all.emplace_back(ratio, p.name());
    for (const std::string& group : {std::string("all"), std::string(name_of(p.kind)), "ViT-" + p.model,
                                     "batch " + std::to_string(p.batch)})
      means[group].add(ratio);
  }
};

void print_summary(Ratios ratios, const std::string& instruction_set) {
  std::printf("\n");
  for (const auto& [group, mean] : ratios.means)
    std::printf("%s: geometric mean of ours / best peer, %-8s (%3d products): %.3f\n",
                instruction_set.c_str(), group.c_str(), mean.count, mean.value());
  std::ranges::sort(ratios.all);
  auto next = ratios.all.begin();
  for (const double limit : kLimits) {
    const auto end = std::ranges::find_if(ratios.all, [&](const auto& r) { return r.first >= limit; });
    std::printf("\n%s: %d of %d products below %.2f\n", instruction_set.c_str(),
                static_cast<int>(end - ratios.all.begin()), static_cast<int>(ratios.all.size()), limit);
    for (; next < end; ++next) std::printf("  %-24s %.3f\n", next->second.c_str(), next->first);
  }
}

void print_table(const std::vector<Library>& all, const std::regex& only, int rounds) {
  const double peak = 2e-9 * engine::kernels::fma_peak();
  const std::string instruction_set(engine::kernels::simd_name());
  const engine::kernels::Caches& caches = engine::kernels::caches();
  std::printf("%d threads, %s, %.0f GFLOP/s in registers alone, medians of %d rounds\n",
              engine::kernels::threads(), instruction_set.c_str(), peak, rounds);
  std::printf("%s: %s\n\n", caches.processor.c_str(), describe(caches).c_str());
  std::printf("%-24s %6s %6s %6s", "GFLOP/s", "m", "n", "k");
  for (const Library& library : all) std::printf(" %9s", library.name.c_str());
  std::printf("  ours / best peer\n");
  Ratios ratios;
  for (const Product& p : bench::linear_products()) {
    if (!std::regex_search(p.name(), only)) continue;
    const std::vector<double> rates = compare(all, p, rounds);
    std::printf("%-24s %6d %6d %6d", p.name().c_str(), static_cast<int>(p.m), static_cast<int>(p.n),
                static_cast<int>(p.k));
    for (const double rate : rates) std::printf(" %9.1f", rate);
    if (rates.size() > 1) {
      const double ratio = rates[0] / *std::max_element(rates.begin() + 1, rates.end());
      std::printf("  %.3f", ratio);
      ratios.add(p, ratio);
    }
    std::printf("\n");
    std::fflush(stdout);
  }
  if (!ratios.all.empty()) print_summary(std::move(ratios), instruction_set);
}

void probe(const std::vector<Library>& all, const std::string& name) {
  const auto library = std::ranges::find(all, name, &Library::name);
  engine::check(library != all.end(), "there is no library", name);
  GeometricMean mean;
  for (const Product& p : bench::linear_products()) {
    if (p.name().starts_with("ViT-S/fc1/8/")) mean.add(compare({*library}, p, 5)[0]);
  }
  std::printf("%.2f\n", mean.value());
}

void run(int argc, char** argv) {
  int rounds = 7;
  std::string only, library, instruction_set(engine::kernels::simd_name());
  for (int i = 1; i < argc; i += 2) {
    const std::string option = argv[i];
    engine::check(i + 1 < argc, option, "takes a value");
    if (option == "--rounds")
      rounds = static_cast<int>(engine::parse_integer(argv[i + 1], option));
    else if (option == "--only")
      only = argv[i + 1];
    else if (option == "--probe")
      library = argv[i + 1];
    else if (option == "--instruction-set")
      instruction_set = argv[i + 1];
    else
      throw engine::Error("unknown option '" + option +
                          "'; there are --rounds, --only, --instruction-set and --probe");
  }
  if (const char* words = std::getenv("ESPALIER_CACHES"))
    engine::kernels::use_caches(engine::kernels::adjusted(engine::kernels::caches(), words));
  engine::check(engine::kernels::use_simd(instruction_set), "this machine cannot run --instruction-set",
                instruction_set + "; kernels are there for avx512, avx2 and baseline");
  engine::check(rounds >= 1, "--rounds takes 1 or more, not", rounds);
  if (library.empty())
    print_table(libraries(), std::regex(only), rounds);
  else
    probe(libraries(), library);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(argc, argv);
    return 0;
  } catch (const std::exception& e) {
    std::cerr << "bench_gemm_table: " << e.what() << '\n';
    return 2;
  }
}
