// Element-wise loops, and loops along rows.

/// Calls `f(value)` with a loop's body made for each kind of activation: f(x) gives activation(x), and with
/// the slope activation'(x).
template <class T, class F>
inline void with_activation(Activation activation, F f) {
  if (activation == Activation::gelu)
    f([](Vector<T> x, Vector<T> * slope) __attribute__((always_inline)) { return gelu_of(x, slope); });
  else
    f([gate = gate_of(activation)](Vector<T> x, Vector<T> * slope) __attribute__((always_inline)) {
      return gated(x, static_cast<T>(gate.linear), static_cast<T>(gate.cubic), slope);
    });
}

template <class T>
void activate(Activation activation, Index n, const T* x, T* y) {
  with_activation<T>(activation, [&](auto f) {
    each_vector<T>(n, [&](Index i, Index lanes) { put(y + i, f(lanes_at(x + i, lanes), nullptr), lanes); });
  });
}

template <class T>
void activate_backward(Activation activation, Index n, const T* x, const T* dy, T* dx) {
  with_activation<T>(activation, [&](auto f) {
    each_vector<T>(n, [&](Index i, Index lanes) {
      Vector<T> slope;
      f(lanes_at(x + i, lanes), &slope);
      put(dx + i, lanes_at(dy + i, lanes) * slope, lanes);
    });
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

/// Sketches of kRows rows in eight sums: these turn from one shift to the next, so that whole groups are
/// added.
template <class T, Index kRows>
inline void sketch_by_eight(const T* x, Index x_stride, const Sketch<T>& sketch, T* y) {
  typename Eight<T>::Type sums[kRows] = {};
  Index shift = 7;
  const auto turn_to = [&](Index wanted) __attribute__((always_inline)) {
    for (; shift > wanted; --shift) {
#pragma GCC unroll 4
      for (Index r = 0; r < kRows; ++r)
        sums[r] = __builtin_shufflevector(sums[r], sums[r], 7, 0, 1, 2, 3, 4, 5, 6);
    }
  };
  for (Index g = 0; g < sketch.groups; ++g) {
    const Index first = sketch.first[g];
    turn_to(sketch.shift[g]);
    typename Eight<T>::Type signs;
    __builtin_memcpy(&signs, sketch.signs + first, sizeof signs);
#pragma GCC unroll 4
    for (Index r = 0; r < kRows; ++r) {
      typename Eight<T>::Type v;
      __builtin_memcpy(&v, x + r * x_stride + first, sizeof v);
      sums[r] += v * signs;
    }
  }
  turn_to(0);
#pragma GCC unroll 4
  for (Index r = 0; r < kRows; ++r) __builtin_memcpy(y + r * 8, &sums[r], sizeof sums[r]);
}

template <class T>
inline void sketch_one_row(Index columns, const T* x, const Sketch<T>& sketch, T* y) {
  for (Index c = 0; c < sketch.count; ++c) y[c] = 0;
  for (Index g = 0; g < sketch.groups; ++g) {
    const Index first = sketch.first[g], left = columns - first, shift = sketch.shift[g],
                size = left < sketch.count ? left : sketch.count,
                turn = sketch.count - shift < size ? sketch.count - shift : size;
    for (Index i = 0; i < turn; ++i) y[i + shift] += x[first + i] * sketch.signs[first + i];
    for (Index i = turn; i < size; ++i) y[i - turn] += x[first + i] * sketch.signs[first + i];
  }
}

template <class T>
void sketch_rows(Index rows, Index columns, const T* x, Index x_stride, const Sketch<T>& sketch, T* y) {
  constexpr Index kRows = 4;  // hide each other's waiting
  const bool by_eight = sketch.count == 8 && columns % 8 == 0;
  Index i = 0;
  for (; by_eight && i + kRows <= rows; i += kRows)
    sketch_by_eight<T, kRows>(x + i * x_stride, x_stride, sketch, y + i * 8);
  for (; by_eight && i < rows; ++i) sketch_by_eight<T, 1>(x + i * x_stride, x_stride, sketch, y + i * 8);
  for (; i < rows; ++i) sketch_one_row(columns, x + i * x_stride, sketch, y + i * sketch.count);
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
void rms_norm(Index n, const T* x, const T* w, T eps, T* y, T* rrms) {
  const T r = 1 / root_of(dot(n, x, x) / static_cast<T>(n) + eps);
  each_vector<T>(n, [&](Index i, Index lanes) {
    put(y + i, lanes_at(x + i, lanes) * r * lanes_at(w + i, lanes), lanes);
  });
  *rrms = r;
}

template <class T>
void rms_norm_backward(Index n, const T* x, const T* w, const T* dy, T rrms, T* dx) {
  const auto g = [&](Index i, Index lanes) { return lanes_at(dy + i, lanes) * lanes_at(w + i, lanes); };
  const auto xhat = [&](Index i, Index lanes) { return lanes_at(x + i, lanes) * rrms; };
  const T along = sum_vectors<T>(n, [&](Index i, Index lanes) { return g(i, lanes) * xhat(i, lanes); }) /
                  static_cast<T>(n);
  each_vector<T>(
      n, [&](Index i, Index lanes) { put(dx + i, rrms * (g(i, lanes) - xhat(i, lanes) * along), lanes); });
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
