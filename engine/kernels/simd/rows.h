// Loops over numbers and over rows of numbers.

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

/// Sums f(offset, lanes) over [0, n): four chains side by side, so that one addition need not wait for
/// another.
template <class T, class F>
inline T sum_vectors(Index n, F f) {
  constexpr Index kLanes = Lanes<T>::count, kChains = 4;
  Vector<T> sum[kChains] = {};
  Index i = 0;
  for (; i + kChains * kLanes <= n; i += kChains * kLanes) {
#pragma GCC unroll 4
    for (Index chain = 0; chain < kChains; ++chain) sum[chain] += f(i + chain * kLanes, kLanes);
  }
  for (; i + kLanes <= n; i += kLanes) sum[0] += f(i, kLanes);
  if (i < n) sum[1] += f(i, n - i);
  return sum_lanes<T>((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

/// kCount dot products of each of kRows rows, which are read once.
template <class T, Index kRows, Index kCount>
inline void mix_group(Index columns, const T* x, Index x_stride, const T* mix, T* y, Index y_stride) {
  Vector<T> sum[kRows][kCount] = {};
  each_vector<T>(columns, [&](Index j, Index lanes) {
    Vector<T> v[kRows];
#pragma GCC unroll 2
    for (Index r = 0; r < kRows; ++r) v[r] = lanes_at(x + r * x_stride + j, lanes);
#pragma GCC unroll 8
    for (Index c = 0; c < kCount; ++c) {
      const Vector<T> m = lanes_at(mix + c * columns + j, lanes);
#pragma GCC unroll 2
      for (Index r = 0; r < kRows; ++r) sum[r][c] += v[r] * m;
    }
  });
#pragma GCC unroll 2
  for (Index r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (Index c = 0; c < kCount; ++c) y[r * y_stride + c] = sum_lanes<T>(sum[r][c]);
  }
}

template <class T, Index kRows>
inline void mix_some_rows(Index columns, const T* x, Index x_stride, Index count, const T* mix, T* y) {
  constexpr Index kGroup = 8;
  Index c = 0;
  for (; c + kGroup <= count; c += kGroup)
    mix_group<T, kRows, kGroup>(columns, x, x_stride, mix + c * columns, y + c, count);
  for (; c < count; ++c) mix_group<T, kRows, 1>(columns, x, x_stride, mix + c * columns, y + c, count);
}

template <class T>
void mix_rows(Index rows, Index columns, const T* x, Index x_stride, Index count, const T* mix, T* y) {
  constexpr Index kRows = ENGINE_SIMD_BYTES == 64 ? 2 : 1;  // as the registers allow
  Index i = 0;
  for (; i + kRows <= rows; i += kRows)
    mix_some_rows<T, kRows>(columns, x + i * x_stride, x_stride, count, mix, y + i * count);
  for (; i < rows; ++i) mix_some_rows<T, 1>(columns, x + i * x_stride, x_stride, count, mix, y + i * count);
}

template <class T>
void layer_norm(Index n, const T* x, const T* w, const T* b, T eps, T* y, T* mean, T* rstd) {
  const T count = static_cast<T>(n);
  const T m = sum_vectors<T>(n, [&](Index i, Index lanes) { return lanes_at(x + i, lanes); }) / count;
  const T squares = sum_vectors<T>(n, [&](Index i, Index lanes) {
    const Vector<T> d = lanes_at(x + i, lanes, m) - m;
    return d * d;
  });
  const T r = 1 / root_of(squares / count + eps);
  each_vector<T>(n, [&](Index i, Index lanes) {
    put(y + i, (lanes_at(x + i, lanes) - m) * r * lanes_at(w + i, lanes) + lanes_at(b + i, lanes), lanes);
  });
  *mean = m;
  *rstd = r;
}

template <class T>
void layer_norm_backward(Index n, const T* x, const T* w, const T* dy, T mean, T rstd, T* dx) {
  const T count = static_cast<T>(n);
  const auto g = [&](Index i, Index lanes) { return lanes_at(dy + i, lanes) * lanes_at(w + i, lanes); };
  const auto xhat = [&](Index i, Index lanes) { return (lanes_at(x + i, lanes, mean) - mean) * rstd; };
  const T mean_g = sum_vectors<T>(n, g) / count;
  const T mean_g_xhat =
      sum_vectors<T>(n, [&](Index i, Index lanes) { return g(i, lanes) * xhat(i, lanes); }) / count;
  each_vector<T>(n, [&](Index i, Index lanes) {
    put(dx + i, rstd * (g(i, lanes) - mean_g - xhat(i, lanes) * mean_g_xhat), lanes);
  });
}

template <class T>
T dot(Index n, const T* a, const T* b) {
  return sum_vectors<T>(
      n, [&](Index i, Index lanes) { return lanes_at(a + i, lanes) * lanes_at(b + i, lanes); });
}

template <class T>
void add(Index n, const T* a, const T* b, T* y) {
  each_vector<T>(
      n, [&](Index i, Index lanes) { put(y + i, lanes_at(a + i, lanes) + lanes_at(b + i, lanes), lanes); });
}

template <class T>
void add_rows(Index rows, Index columns, const T* x, Index stride, T* sums) {
  for (Index r = 0; r < rows; ++r) add(columns, sums, x + r * stride, sums);
}

// Enough vectors that no multiply-add waits for another, few enough for the registers.
constexpr Index kChains = ENGINE_SIMD_BYTES == 64 ? 20 : 12;

template <class T>
T multiply_add(Index rounds, T factor, T shift) {
  const Vector<T> a = all(factor), b = all(shift);
  Vector<T> chain[kChains];
  // Different starts: equal chains would be computed once.
  for (Index c = 0; c < kChains; ++c) chain[c] = all(static_cast<T>(c));
  for (Index i = 0; i < rounds; ++i) {
#pragma GCC unroll 20
    for (Index c = 0; c < kChains; ++c) chain[c] = chain[c] * a + b;
  }
  Vector<T> sum = {};
  for (Index c = 0; c < kChains; ++c) sum += chain[c];
  return sum_lanes<T>(sum);
}
