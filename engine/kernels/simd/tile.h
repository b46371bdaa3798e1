// The register tile of the matrix product, its packing and what happens to a product on its way to memory.

// Rows and vectors of a tile follow from the registers. Every sum lives in one, and a step of the depth needs
// a vector of b for each of the tile's vectors and one that holds a value of a in all lanes:
//
//              tile     sums + b + a   of     loads per multiply-add
//   AVX-512    8 x 3    24 + 3 + 1     32     11 / 24
//   AVX2       6 x 2    12 + 2 + 1     16      8 / 12
//   baseline   4 x 2     8 + 2 + 1     16      6 / 8
//
// A fused multiply-add takes 4 cycles and two begin in every cycle, so that 8 sums or more must be in flight
// for none to wait. Loads, of which two begin in a cycle, must be fewer than multiply-adds: that is why a
// tile is as large and as square as the registers allow.
constexpr Index kTileRows = ENGINE_SIMD_TILE_ROWS, kTileVectors = ENGINE_SIMD_TILE_VECTORS;

/// `kShort` is the form for a short depth.
template <class T, Index kRows, Index kVectors, bool kShort = false>
void tile(Index depth, Strided<T> a, const T* __restrict b, Index b_step, T* __restrict c, Index c_stride,
          bool add) {
  constexpr Index kLanes = Lanes<T>::count;
  constexpr Index kTail = 8;  // steps: 24 multiply-adds in a row of 3 vectors, 12 cycles at two a cycle
  // Read or only written, c comes into the cache, and its latency hides behind the products.
  for (Index r = 0; r < kRows; ++r) {
    for (Index v = 0; v < kVectors; ++v) __builtin_prefetch(c + r * c_stride + v * kLanes, 1);
  }
  // Behind a short sum, storing takes long: the last products go row by row, so that the first rows are
  // stored while the others are still summed up.
  const Index tail = kShort && depth >= kTail ? kTail : 0;
  const T* __restrict left = a.data;
  Vector<T> sum[kRows][kVectors] = {};
#pragma GCC unroll 4
  for (Index p = 0; p < depth - tail; ++p) {
    Vector<T> row[kVectors];
#pragma GCC unroll 16
    for (Index v = 0; v < kVectors; ++v) row[v] = load(b + v * kLanes);
#pragma GCC unroll 16
    for (Index r = 0; r < kRows; ++r) {
      const Vector<T> factor = all(left[r * a.row_stride]);
#pragma GCC unroll 16
      for (Index v = 0; v < kVectors; ++v) sum[r][v] += factor * row[v];
    }
    left += a.column_stride;
    b += b_step;
  }
#pragma GCC unroll 16
  for (Index r = 0; r < kRows; ++r) {
    if (tail > 0) {
#pragma GCC unroll 8
      for (Index p = 0; p < kTail; ++p) {
        const Vector<T> factor = all(left[r * a.row_stride + p * a.column_stride]);
#pragma GCC unroll 16
        for (Index v = 0; v < kVectors; ++v) sum[r][v] += factor * load(b + p * b_step + v * kLanes);
      }
    }
#pragma GCC unroll 16
    for (Index v = 0; v < kVectors; ++v) {
      T* to = c + r * c_stride + v * kLanes;
      store(to, add ? load(to) + sum[r][v] : sum[r][v]);
    }
  }
}

/// The tiles of kTileRows rows with 1, 2, ... vectors.
template <class T, bool kShort>
constexpr Tiles<T> tiles() {
  Tiles<T> all_tiles{.rows = kTileRows, .lanes = Lanes<T>::count, .vectors = kTileVectors, .run = {}};
  all_tiles.run[0] = tile<T, kTileRows, 1, kShort>;
  if constexpr (kTileVectors > 1) all_tiles.run[1] = tile<T, kTileRows, 2, kShort>;
  if constexpr (kTileVectors > 2) all_tiles.run[2] = tile<T, kTileRows, 3, kShort>;
  return all_tiles;
}

/// A tile of `kRows` rows and as many vectors as the registers of the whole tile hold.
template <class T, Index kRows>
constexpr ThinTile<T> thin_tile() {
  constexpr Index kVectors = kTileRows / kRows * kTileVectors;
  return {.rows = kRows, .columns = kVectors * Lanes<T>::count, .run = tile<T, kRows, kVectors>};
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

/// Eight values side by side.
template <class T>
struct Eight {
  typedef T Type __attribute__((vector_size(8 * sizeof(T))));
};

/// Turns eight rows of eight values into eight columns.
template <class T>
inline void transpose_eight(typename Eight<T>::Type (&r)[8]) {
  typename Eight<T>::Type s[8];
#pragma GCC unroll 4
  for (int i = 0; i < 8; i += 2) {
    s[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
    s[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 8; i += 4) {
#pragma GCC unroll 2
    for (int j = i; j < i + 2; ++j) {
      r[j] = __builtin_shufflevector(s[j], s[j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
      r[j + 2] = __builtin_shufflevector(s[j], s[j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const typename Eight<T>::Type low = __builtin_shufflevector(r[i], r[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    r[i + 4] = __builtin_shufflevector(r[i], r[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    r[i] = low;
  }
}

/// to[p, i] = from[i, p] for up to eight rows i.
template <class T>
inline void transpose_strip(Index rows, Index columns, const T* from, Index from_stride, T* to,
                            Index to_stride) {
  Index p = 0;
  // Rows that are missing are read as the last one; what they write is overwritten by the next column.
  const bool overlapping = rows < 8 && to_stride == rows;
  if (rows == 8 || overlapping) {
    const Index end = rows == 8 ? columns : columns - 8 / rows - 1;
    for (; p + 8 <= end; p += 8) {
      typename Eight<T>::Type r[8];
#pragma GCC unroll 8
      for (Index i = 0; i < 8; ++i)
        __builtin_memcpy(&r[i], from + (i < rows ? i : rows - 1) * from_stride + p, sizeof r[i]);
      transpose_eight<T>(r);
#pragma GCC unroll 8
      for (Index i = 0; i < 8; ++i) __builtin_memcpy(to + (p + i) * to_stride, &r[i], sizeof r[i]);
    }
  }
  for (; p < columns; ++p) {
    for (Index i = 0; i < rows; ++i) to[p * to_stride + i] = from[i * from_stride + p];
  }
}

template <class T>
void transpose(Index rows, Index columns, const T* from, Index from_stride, T* to, Index to_stride) {
  for (Index i = 0; i < rows; i += 8)
    transpose_strip(rows - i < 8 ? rows - i : 8, columns, from + i * from_stride, from_stride, to + i,
                    to_stride);
}

template <class T>
void copy(Index rows, Index columns, const T* from, Index from_stride, T* to, Index to_stride) {
  for (Index p = 0; p < rows; ++p) {
    each_vector<T>(columns, [&](Index i, Index lanes) {
      put(to + p * to_stride + i, lanes_at(from + p * from_stride + i, lanes), lanes);
    });
  }
}

template <class T, Index kWidth>
void deal(Index rows, Index columns, const T* from, Index from_stride, T* to, Index panel) {
  // Narrow panels are those of a left-hand side: pieces of rows that lie far apart, so that they have to be
  // asked for.
  constexpr Index kLine = 64 / static_cast<Index>(sizeof(T)), kAhead = kWidth < kLine ? 16 : 0;
  for (Index p = 0; p < rows; ++p, from += from_stride, to += kWidth) {
    T* next = to;
    if (kAhead > 0 && p + kAhead < rows) {
      for (Index i = 0; i < columns + kLine - 1; i += kLine)
        __builtin_prefetch(from + kAhead * from_stride + (i < columns ? i : columns - 1));
    }
    for (Index i = 0; i < columns; i += kWidth, next += panel)
      __builtin_memcpy(next, from + i, kWidth * sizeof(T));
  }
}

template <class T>
void epilogue(Index rows, Index columns, T* c, Index stride, const Epilogue<T>& e) {
  const Gate gate = gate_of(e.activation);
  const T linear = static_cast<T>(gate.linear), cubic = static_cast<T>(gate.cubic);
  for (Index r = 0; r < rows; ++r) {
    const T factor = e.factors ? e.factors[r] : 1;
    each_vector<T>(columns, [&](Index i, Index lanes) {
      const Index at = r * stride + i;
      Vector<T> y = lanes_at(c + at, lanes);
      if (e.bias) y += lanes_at(e.bias + i, lanes);
      if (e.before_activation) put(e.before_activation + at, y, lanes);
      if (e.activation == Activation::gelu)
        y = gelu_of<Vector<T>>(y, nullptr);
      else if (e.activation != Activation::none)
        y = gated<Vector<T>, T>(y, linear, cubic, nullptr);
      if (e.scale) y *= lanes_at(e.scale + i, lanes);
      if (e.factors) y *= factor;
      if (e.residual) y = lanes_at(e.residual + at, lanes) + y;
      put(c + at, y, lanes);
    });
  }
}
