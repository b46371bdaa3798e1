// Vectors of T as wide as ENGINE_SIMD_BYTES. All files of this folder are included by table.h inside the
// namespace of one instruction set, so that no two sets share a function; nothing here may use the standard
// library, whose inline functions would be shared between files compiled for different machines.

template <class T>
struct Lanes {
  typedef T Vector __attribute__((vector_size(ENGINE_SIMD_BYTES)));
  static constexpr Index count = ENGINE_SIMD_BYTES / static_cast<Index>(sizeof(T));
};
template <class T>
using Vector = typename Lanes<T>::Vector;
using Bits = Vector<int>;

/// Every lane equal to `value`. (Taking away zero keeps the value's bits; adding it would not.)
template <class T>
inline Vector<T> all(T value) {
  return value - Vector<T>{};
}

template <class T>
inline Vector<T> load(const T* from) {
  Vector<T> v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}

template <class T>
inline void store(T* to, Vector<T> v) {
  __builtin_memcpy(to, &v, sizeof v);
}

/// The first `n` lanes from memory, the rest equal to `fill`.
template <class T>
inline Vector<T> load_part(const T* from, Index n, T fill) {
  Vector<T> v = all<T>(fill);
  __builtin_memcpy(&v, from, static_cast<unsigned long>(n) * sizeof(T));
  return v;
}

template <class T>
inline void store_part(T* to, Vector<T> v, Index n) {
  __builtin_memcpy(to, &v, static_cast<unsigned long>(n) * sizeof(T));
}

template <class T>
inline Vector<T> larger(Vector<T> a, Vector<T> b) {
  return a > b ? a : b;
}

template <Index...>
struct Indices {};
template <Index n, Index... i>
struct CountTo : CountTo<n - 1, n - 1, i...> {};
template <Index... i>
struct CountTo<0, i...> {
  using Type = Indices<i...>;
};

/// The lower half of the lanes plus the upper half.
template <Index n, class V, Index... i>
inline auto fold(V v, Indices<i...>) {
  return __builtin_shufflevector(v, v, i...) + __builtin_shufflevector(v, v, (n + i)...);
}

/// The sum of the first `n` lanes of a vector that has no more: halves are added until one value is left.
template <Index n, class V>
inline auto sum_halves(V v) {
  if constexpr (n == 2)
    return v[0] + v[1];
  else
    return sum_halves<n / 2>(fold<n / 2>(v, typename CountTo<n / 2>::Type()));
}

/// The sum of all lanes.
template <class T>
inline T sum_lanes(Vector<T> v) {
  return sum_halves<Lanes<T>::count>(v);
}

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
