// The inner loops of simd.h, written once over vectors and compiled once per instruction set.

#include "engine/kernels/simd_sets.h"

namespace engine::kernels::ENGINE_SIMD_SET {
namespace {

#include "engine/kernels/simd/vector.h"

/// Calls `f(offset, lanes)` for every vector of [0, n); only the last may be shorter than a full one.
template <class T, class F>
inline void each_vector(Index n, F f) {
  Index i = 0;
  for (; i + Lanes<T>::count <= n; i += Lanes<T>::count) f(i, Lanes<T>::count);
  if (i < n) f(i, n - i);
}

/// The lanes at `from`, those past the end equal to `fill`: a tail goes through the same instructions as the
/// rest.
template <class T>
inline Vector<T> lanes_at(const T* from, Index lanes, T fill = 0) {
  return lanes == Lanes<T>::count ? load(from) : load_part(from, lanes, fill);
}

template <class T>
inline void put(T* to, Vector<T> v, Index lanes) {
  if (lanes == Lanes<T>::count)
    store(to, v);
  else
    store_part(to, v, lanes);
}

constexpr Index kTileRows = ENGINE_SIMD_TILE_ROWS, kTileVectors = ENGINE_SIMD_TILE_VECTORS;

template <class T>
void tile(Index depth, const T* __restrict a, const T* __restrict b, T* __restrict c, Index c_stride,
          bool add) {
  constexpr Index kLanes = Lanes<T>::count;
  Vector<T> sum[kTileRows][kTileVectors] = {};
  for (Index p = 0; p < depth; ++p) {
    Vector<T> row[kTileVectors];
#pragma GCC unroll 4
    for (Index v = 0; v < kTileVectors; ++v) row[v] = load(b + v * kLanes);
#pragma GCC unroll 16
    for (Index r = 0; r < kTileRows; ++r) {
      const Vector<T> factor = Vector<T>{} + a[r];
#pragma GCC unroll 4
      for (Index v = 0; v < kTileVectors; ++v) sum[r][v] += factor * row[v];
    }
    a += kTileRows;
    b += kTileVectors * kLanes;
  }
#pragma GCC unroll 16
  for (Index r = 0; r < kTileRows; ++r) {
#pragma GCC unroll 4
    for (Index v = 0; v < kTileVectors; ++v) {
      T* to = c + r * c_stride + v * kLanes;
      store(to, add ? load(to) + sum[r][v] : sum[r][v]);
    }
  }
}

template <class T>
void dots(Index count, const Index* i, const Index* j, Index depth, const T* a, Index a_stride, const T* b,
          Index b_stride, T* sums, bool add) {
  constexpr Index kGroup = 256;  // sums that stay in the nearest cache while the rows stream by
  T group[kGroup];
  for (Index begin = 0; begin < count; begin += kGroup) {
    const Index n = count - begin < kGroup ? count - begin : kGroup;
    for (Index e = 0; e < n; ++e) group[e] = 0;
    for (Index p = 0; p < depth; ++p) {
      const T* a_row = a + p * a_stride;
      const T* b_row = b + p * b_stride;
      for (Index e = 0; e < n; ++e) group[e] += a_row[i[begin + e]] * b_row[j[begin + e]];
    }
    for (Index e = 0; e < n; ++e) sums[begin + e] = add ? sums[begin + e] + group[e] : group[e];
  }
}

template <class T>
void gelu(Index n, const T* x, T* y) {
  each_vector<T>(n, [&](Index i, Index lanes) {
    const Vector<T> v = lanes_at(x + i, lanes);
    Vector<T> gauss;
    const Vector<T> cdf = normal_cdf(v, gauss);
    put(y + i, v * cdf, lanes);
  });
}

template <class T>
void gelu_backward(Index n, const T* x, const T* dy, T* dx) {
  const T kInverseRootTwoPi = static_cast<T>(0.39894228040143267794);
  each_vector<T>(n, [&](Index i, Index lanes) {
    const Vector<T> v = lanes_at(x + i, lanes);
    Vector<T> gauss;
    const Vector<T> cdf = normal_cdf(v, gauss);
    put(dx + i, lanes_at(dy + i, lanes) * (cdf + v * gauss * kInverseRootTwoPi), lanes);
  });
}

template <class T>
void layer_norm(Index n, const T* x, const T* w, const T* b, T eps, T* y, T* mean, T* rstd) {
  const T count = static_cast<T>(n);
  Vector<T> sum = {};
  each_vector<T>(n, [&](Index i, Index lanes) { sum += lanes_at(x + i, lanes); });
  const T m = sum_lanes<T>(sum) / count;
  Vector<T> squares = {};
  each_vector<T>(n, [&](Index i, Index lanes) {
    const Vector<T> d = lanes_at(x + i, lanes, m) - m;
    squares += d * d;
  });
  const T r = 1 / root_of(sum_lanes<T>(squares) / count + eps);
  each_vector<T>(n, [&](Index i, Index lanes) {
    put(y + i, (lanes_at(x + i, lanes) - m) * r * lanes_at(w + i, lanes) + lanes_at(b + i, lanes), lanes);
  });
  *mean = m;
  *rstd = r;
}

template <class T>
void layer_norm_backward(Index n, const T* x, const T* w, const T* dy, T mean, T rstd, T* dx) {
  const T count = static_cast<T>(n);
  Vector<T> sum = {}, sum_xhat = {};
  each_vector<T>(n, [&](Index i, Index lanes) {
    const Vector<T> g = lanes_at(dy + i, lanes) * lanes_at(w + i, lanes);
    sum += g;
    sum_xhat += g * ((lanes_at(x + i, lanes, mean) - mean) * rstd);
  });
  const T mean_g = sum_lanes<T>(sum) / count, mean_g_xhat = sum_lanes<T>(sum_xhat) / count;
  each_vector<T>(n, [&](Index i, Index lanes) {
    const Vector<T> g = lanes_at(dy + i, lanes) * lanes_at(w + i, lanes);
    const Vector<T> xhat = (lanes_at(x + i, lanes) - mean) * rstd;
    put(dx + i, rstd * (g - mean_g - xhat * mean_g_xhat), lanes);
  });
}

template <class T>
T softmax(Index n, T scale, T* row) {
  T top = row[0];
  for (Index i = 1; i < n; ++i) top = row[i] > top ? row[i] : top;
  const T shift = top * scale;
  Vector<T> sum = {};
  each_vector<T>(n, [&](Index i, Index lanes) {
    // A lane past the end gets e^-infinity = 0 and adds nothing.
    const Vector<T> e =
        exp_negative(lanes_at(row + i, lanes, -static_cast<T>(__builtin_inf())) * scale - shift);
    put(row + i, e, lanes);
    sum += e;
  });
  const T total = sum_lanes<T>(sum), inverse = 1 / total;
  each_vector<T>(n, [&](Index i, Index lanes) { put(row + i, lanes_at(row + i, lanes) * inverse, lanes); });
  return shift + log_of(total);
}

template <class T>
void softmax_again(Index n, T scale, T log_sum, T* row) {
  each_vector<T>(n, [&](Index i, Index lanes) {
    put(row + i, exp_negative(lanes_at(row + i, lanes) * scale - log_sum), lanes);
  });
}

template <class T>
void softmax_backward(Index n, T scale, T dot, const T* dp, T* p) {
  each_vector<T>(n, [&](Index i, Index lanes) {
    put(p + i, lanes_at(p + i, lanes) * (lanes_at(dp + i, lanes) - dot) * scale, lanes);
  });
}

template <class T>
T dot(Index n, const T* a, const T* b) {
  Vector<T> sum = {};
  each_vector<T>(n, [&](Index i, Index lanes) { sum += lanes_at(a + i, lanes) * lanes_at(b + i, lanes); });
  return sum_lanes<T>(sum);
}

template <class T>
void axpy(Index n, T a, const T* x, T* y) {
  each_vector<T>(n, [&](Index i, Index lanes) {
    put(y + i, lanes_at(y + i, lanes) + a * lanes_at(x + i, lanes), lanes);
  });
}

// Vectors that fill the registers, with two left for the factors.
constexpr Index kChains = ENGINE_SIMD_BYTES == 64 ? 20 : 12;

template <class T>
T multiply_add(Index rounds, T factor, T shift) {
  const Vector<T> a = factor - Vector<T>{}, b = shift - Vector<T>{};
  Vector<T> chain[kChains];
  // Different starts: equal chains would be computed once.
  for (Index c = 0; c < kChains; ++c) chain[c] = static_cast<T>(c) - Vector<T>{};
  for (Index i = 0; i < rounds; ++i) {
#pragma GCC unroll 20
    for (Index c = 0; c < kChains; ++c) chain[c] = chain[c] * a + b;
  }
  Vector<T> sum = {};
  for (Index c = 0; c < kChains; ++c) sum += chain[c];
  return sum_lanes<T>(sum);
}

template <class T>
constexpr Simd<T> table(const char* name) {
  return {.name = {name, __builtin_strlen(name)},
          .tile_rows = kTileRows,
          .tile_columns = kTileVectors * Lanes<T>::count,
          .tile = tile<T>,
          .dots = dots<T>,
          .gelu = gelu<T>,
          .gelu_backward = gelu_backward<T>,
          .layer_norm = layer_norm<T>,
          .layer_norm_backward = layer_norm_backward<T>,
          .softmax = softmax<T>,
          .softmax_again = softmax_again<T>,
          .softmax_backward = softmax_backward<T>,
          .dot = dot<T>,
          .axpy = axpy<T>,
          .registers = kChains * Lanes<T>::count,
          .multiply_add = multiply_add<T>};
}

#define ENGINE_SIMD_TEXT(x) #x
#define ENGINE_SIMD_NAME(x) ENGINE_SIMD_TEXT(x)
constexpr Simd<float> kF32 = table<float>(ENGINE_SIMD_NAME(ENGINE_SIMD_SET));
constexpr Simd<double> kF64 = table<double>(ENGINE_SIMD_NAME(ENGINE_SIMD_SET));

}  // namespace

const Simd<float>& f32() {
  return kF32;
}
const Simd<double>& f64() {
  return kF64;
}

}  // namespace engine::kernels::ENGINE_SIMD_SET
