// Softmax down the columns of a matrix whose columns fill whole vectors: no sum goes across lanes.

template <class T>
void softmax(Index rows, Index columns, T scale, T* s, Index stride, T* log_sum_exp, T* inverse) {
  constexpr Index kLanes = Lanes<T>::count;
  for (Index j = 0; j < columns; j += kLanes) {
    T* const from = s + j;
    Vector<T> top = load(from);
    for (Index r = 1; r < rows; ++r) top = larger<T>(load(from + r * stride), top);
    Vector<T> sum = {};
    for (Index r = 0; r < rows; ++r) {
      const Vector<T> e = exp_negative((load(from + r * stride) - top) * scale);
      store(from + r * stride, e);
      sum += e;
    }
    store(inverse + j, 1 / sum);
    for (Index lane = 0; lane < kLanes; ++lane) log_sum_exp[j + lane] = top[lane] * scale + log_of(sum[lane]);
  }
}

template <class T>
void softmax_from_lse(Index rows, Index columns, T scale, const T* log_sum_exp, T* s, Index stride) {
  for (Index r = 0; r < rows; ++r) {
    for (Index j = 0; j < columns; j += Lanes<T>::count) {
      T* const at = s + r * stride + j;
      const Vector<T> x = load(at) * scale - load(log_sum_exp + j);
      store(at,
            exp_negative(x > T{0} ? Vector<T>{} : x));  // a large score may round to more than log_sum_exp
    }
  }
}

template <class T>
void softmax_backward(Index rows, Index columns, T scale, const T* dot, const T* p, T* dp, Index stride) {
  for (Index r = 0; r < rows; ++r) {
    for (Index j = 0; j < columns; j += Lanes<T>::count) {
      const Index at = r * stride + j;
      store(dp + at, load(p + at) * (load(dp + at) - load(dot + j)) * scale);
    }
  }
}
