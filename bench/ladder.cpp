// From a naive loop to the kernels as shipped, step by step: a matrix product in five versions and attention
// in three, on one thread. Every version is checked against the first and timed; each states what it gains
// over the one before. The order of the additions differs, so results agree up to rounding.
//
//   bench_ladder [n]    n: side of the matrices, rounded up to a multiple of 48 (768). What packing gains
//                       shows where b is larger than the second cache: from 1536 on.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "engine/base/div_up.h"
#include "engine/kernels/attention.h"
#include "engine/kernels/gemm.h"
#include "engine/kernels/parallel.h"
#include "engine/tensor/random.h"

namespace {

using engine::Index;
using engine::Tensor;
using engine::kernels::AttentionShape;

// The register tile: rows x vectors of sums that never leave the registers. 8 x 3 of the 32 registers of
// AVX-512, 6 x 2 of the 16 of AVX2: engine/kernels/simd/tile.h states why.
#if defined(__AVX512F__)
constexpr Index kLanes = 16, kTileRows = 8, kTileVectors = 3;
#else
constexpr Index kLanes = 8, kTileRows = 6, kTileVectors = 2;
#endif
constexpr Index kTileColumns = kTileVectors * kLanes;
constexpr Index kUnit = 48;    // a multiple of both tiles' sides: no version needs code for edges
constexpr Index kDepth = 384;  // of a block: see engine/kernels/k_blocks.h
typedef float Vector __attribute__((vector_size(4 * kLanes)));

// --- The matrix product c = a b, all [n, n], row by row -------------------------------------------------

// 1. The definition. Each sum is one chain, so that every multiply-add waits for the one before (4 cycles),
//    and b is read down a column: a cache line of 16 values is loaded for one of them.
void plain(Index n, const float* a, const float* b, float* c) {
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j) {
      float sum = 0;
      for (Index p = 0; p < n; ++p) sum += a[i * n + p] * b[p * n + j];
      c[i * n + j] = sum;
    }
  }
}

// 2. The loops in another order, and in blocks. The innermost runs along rows of b and c: the compiler makes
//    vectors of it and no sum waits. 64 rows of b stay in the second cache while all rows of a go by.
void blocked(Index n, const float* a, const float* b, float* c) {
  constexpr Index kRows = 64;
  std::fill_n(c, n * n, 0.0f);
  for (Index first = 0; first < n; first += kRows) {
    for (Index i = 0; i < n; ++i) {
      for (Index p = first; p < std::min(n, first + kRows); ++p) {
        for (Index j = 0; j < n; ++j) c[i * n + j] += a[i * n + p] * b[p * n + j];
      }
    }
  }
}

// c (+)= a b for one tile of c; b's rows are `b_stride` values apart. Unrolled, for a register has no index.
inline void tile(Index depth, Index n, const float* a, const float* b, Index b_stride, float* c, bool add) {
  Vector sum[kTileRows][kTileVectors] = {};
  for (Index p = 0; p < depth; ++p) {
    Vector row[kTileVectors];
#pragma GCC unroll 3
    for (Index v = 0; v < kTileVectors; ++v)
      __builtin_memcpy(&row[v], b + p * b_stride + v * kLanes, sizeof row[v]);
#pragma GCC unroll 8
    for (Index r = 0; r < kTileRows; ++r) {
#pragma GCC unroll 3
      for (Index v = 0; v < kTileVectors; ++v) sum[r][v] += a[r * n + p] * row[v];
    }
  }
#pragma GCC unroll 8
  for (Index r = 0; r < kTileRows; ++r) {
#pragma GCC unroll 3
    for (Index v = 0; v < kTileVectors; ++v) {
      Vector before = {};
      if (add) __builtin_memcpy(&before, c + r * n + v * kLanes, sizeof before);
      before += sum[r][v];
      __builtin_memcpy(c + r * n + v * kLanes, &before, sizeof before);
    }
  }
}

// 3. A register tile. Version 2 loads and stores a value of c for every multiply-add; here a tile of c stays
//    in registers for the whole depth, and 3 + 8 loads serve 24 multiply-adds (AVX-512).
void register_tile(Index n, const float* a, const float* b, float* c) {
  for (Index j = 0; j < n; j += kTileColumns) {
    for (Index i = 0; i < n; i += kTileRows) tile(n, n, a + i * n, b + j, n, c + i * n + j, false);
  }
}

// 4. Packed panels. Version 3 jumps n values from row to row of b: each row is on another page, and the rows
//    of a power of two fall on each other in the cache. Here a block of b, as wide as the tile, is copied
//    into one piece first (72 KB, second cache). The rows of a's tile within a block stay in the first cache.
void packed(Index n, const float* a, const float* b, float* c) {
  std::vector<float> panel(static_cast<std::size_t>(kDepth * kTileColumns));
  for (Index first = 0; first < n; first += kDepth) {
    const Index depth = std::min(kDepth, n - first);
    for (Index j = 0; j < n; j += kTileColumns) {
      for (Index p = 0; p < depth; ++p)
        std::copy_n(b + (first + p) * n + j, kTileColumns, panel.data() + p * kTileColumns);
      for (Index i = 0; i < n; i += kTileRows)
        tile(depth, n, a + i * n + first, panel.data(), kTileColumns, c + i * n + j, first > 0);
    }
  }
}

// 5. As shipped: version 4 with code for every instruction set, edges, transposes, threads and epilogues,
//    rows fetched ahead, and a depth cut evenly (engine/kernels/gemm.cpp).
void shipped(Index n, const float* a, const float* b, float* c) {
  engine::kernels::gemm<float>({a, n, n, n}, {b, n, n, n}, c, n);
}

// --- Attention: y = softmax(q k^T / sqrt(width)) v for every image and head -------------------------------

/// Where q, k, v and y of one head begin, and how far apart tokens are.
struct Head {
  Head(const AttentionShape& s, Index i, const float* qkv, float* out) {
    const Index image = i / s.heads, head = i % s.heads;
    y_row = s.heads * s.width, row = 3 * y_row;
    q = qkv + image * s.tokens * row + head * s.width, k = q + y_row, v = k + y_row;
    y = out + image * s.tokens * y_row + head * s.width;
  }
  const float *q, *k, *v;
  float* y;
  Index row, y_row;
};

// 1. The definition, query by query. A score is a sum along one vector, one chain of multiply-adds.
void plain_attention(const AttentionShape& s, const float* qkv, float* y) {
  std::vector<float> p(static_cast<std::size_t>(s.tokens));
  for (Index i = 0; i < s.batch * s.heads; ++i) {
    const Head h(s, i, qkv, y);
    for (Index t = 0; t < s.tokens; ++t) {
      for (Index u = 0; u < s.tokens; ++u) {
        float score = 0;
        for (Index c = 0; c < s.width; ++c) score += h.q[t * h.row + c] * h.k[u * h.row + c];
        p[static_cast<std::size_t>(u)] = score / std::sqrt(static_cast<float>(s.width));
      }
      const float top = *std::ranges::max_element(p);
      float total = 0;
      for (float& score : p) total += score = std::exp(score - top);
      for (Index c = 0; c < s.width; ++c) {
        float sum = 0;
        for (Index u = 0; u < s.tokens; ++u)
          sum += p[static_cast<std::size_t>(u)] / total * h.v[u * h.row + c];
        h.y[t * h.y_row + c] = sum;
      }
    }
  }
}

// 2. Transposed scores [keys, queries], for a few vectors of queries at a time. A sum goes along no vector,
//    some chains run side by side, and a softmax goes down the columns of the scores.
void transposed_attention(const AttentionShape& s, const float* qkv, float* y) {
  constexpr Index kQueries = kTileColumns;
  std::vector<Vector> q(static_cast<std::size_t>(s.width * kTileVectors)),
      p(static_cast<std::size_t>(s.tokens * kTileVectors));
  auto *const queries = reinterpret_cast<float*>(q.data()), *const scores =
                                                                reinterpret_cast<float*>(p.data());
  const Index panels = engine::div_up(s.tokens, kQueries);
  for (Index i = 0; i < s.batch * s.heads * panels; ++i) {
    const Head h(s, i / panels, qkv, y);
    const Index first = i % panels * kQueries, count = std::min(kQueries, s.tokens - first);
    for (Index t = 0; t < count; ++t)
      for (Index c = 0; c < s.width; ++c) queries[c * kQueries + t] = h.q[(first + t) * h.row + c];
    for (Index u = 0; u < s.tokens; ++u) {
      Vector score[kTileVectors] = {};
      for (Index c = 0; c < s.width; ++c) {
#pragma GCC unroll 3
        for (Index v = 0; v < kTileVectors; ++v)
          score[v] += h.k[u * h.row + c] * q[static_cast<std::size_t>(c * kTileVectors + v)];
      }
#pragma GCC unroll 3
      for (Index v = 0; v < kTileVectors; ++v)
        p[static_cast<std::size_t>(u * kTileVectors + v)] = score[v] / std::sqrt(static_cast<float>(s.width));
    }
    for (Index t = 0; t < count; ++t) {
      float* const out = h.y + (first + t) * h.y_row;
      std::fill_n(out, s.width, 0.0f);
      float top = -INFINITY, total = 0;
      for (Index u = 0; u < s.tokens; ++u) top = std::max(top, scores[u * kQueries + t]);
      for (Index u = 0; u < s.tokens; ++u) {
        const float e = std::exp(scores[u * kQueries + t] - top);
        total += e;
        for (Index c = 0; c < s.width; ++c) out[c] += e * h.v[u * h.row + c];
      }
      for (Index c = 0; c < s.width; ++c) out[c] /= total;
    }
  }
}

// 3. As shipped: both products by register tiles, as wide as one, and exp for whole vectors
//    (engine/kernels/attention.cpp).
void shipped_attention(const AttentionShape& s, const float* qkv, float* y) {
  std::vector<float> log_sum_exp(static_cast<std::size_t>(s.batch * s.heads * s.tokens));
  engine::kernels::attention<float>(s, engine::kernels::thirds_of(s, qkv), {}, y, log_sum_exp.data());
}

// --- Checking and timing ----------------------------------------------------------------------------------

double seconds_of(const std::function<void()>& run) {
  const auto start = std::chrono::steady_clock::now();
  run();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

struct Version {
  const char* name;
  std::function<void(float* result)> run;
};

/// Prints a line for each version: its speed in the fastest of some runs, and as a multiple of the first.
/// Ends the program when a result differs from the first by more than `tolerance`.
void climb(const std::string& title, double flops, Index count, double tolerance,
           const std::vector<Version>& versions) {
  std::printf("%s\n%-44s%10s%12s\n", title.c_str(), "", "GFLOP/s", "x plain");
  std::vector<float> first(static_cast<std::size_t>(count)), result(first.size());
  double plain_seconds = 0;
  for (const Version& version : versions) {
    std::ranges::fill(result, NAN);
    double best = seconds_of([&] { version.run(result.data()); });
    for (double spent = best; spent < 0.5; spent += best)
      best = std::min(best, seconds_of([&] { version.run(result.data()); }));
    if (plain_seconds == 0) first = result, plain_seconds = best;
    for (std::size_t i = 0; i < result.size(); ++i) {
      if (std::abs(result[i] - first[i]) <= tolerance) continue;
      std::fprintf(stderr, "bench_ladder: %s gives %g at %zu where the plain loop gives %g\n", version.name,
                   static_cast<double>(result[i]), i, static_cast<double>(first[i]));
      std::exit(1);
    }
    std::printf("%-44s%10.1f%12.1f\n", version.name, flops / best / 1e9, plain_seconds / best);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const long wanted = argc > 1 ? std::atol(argv[1]) : 768;
  if (argc > 2 || wanted < 1 || wanted > 8192) {
    std::fprintf(stderr, "usage: bench_ladder [n], with n from 1 to 8192\n");
    return 2;
  }
  engine::kernels::set_threads(1);
  engine::Random random(0, engine::Random::Use::test);
  const Index n = engine::round_up<Index>(wanted, kUnit);
  const Tensor left = engine::normal({n, n}, random, 1), right = engine::normal({n, n}, random, 1);
  const auto product = [&](auto f) {
    return [&, f](float* c) { f(n, left.data<float>().data(), right.data<float>().data(), c); };
  };
  const double side = static_cast<double>(n);
  climb("matrix product, n = " + std::to_string(n), 2 * side * side * side, n * n, 1e-6 * side,
        {{"1 plain loops", product(plain)},
         {"2 loop order and blocks", product(blocked)},
         {"3 register tile", product(register_tile)},
         {"4 packed panels and register tile", product(packed)},
         {"5 as shipped", product(shipped)}});

  const AttentionShape s{.batch = 8, .tokens = 197, .heads = 3, .width = 64};
  const Tensor qkv = engine::normal({s.batch, s.tokens, 3, s.heads, s.width}, random, 1);
  const auto attend = [&](auto f) { return [&, f](float* y) { f(s, qkv.data<float>().data(), y); }; };
  climb("\nattention of ViT-Ti/16, batch 8",
        4.0 * static_cast<double>(s.batch * s.heads * s.tokens * s.tokens * s.width),
        s.batch * s.tokens * s.heads * s.width, 1e-5,
        {{"1 query by query", attend(plain_attention)},
         {"2 transposed scores", attend(transposed_attention)},
         {"3 as shipped", attend(shipped_attention)}});
}
