// exp, the normal distribution, logarithm and root, by vectors and by values.

/// e^x for x <= 0, at most 2 units in the last place off down to -87.3; 0 below -87.7. NaN stays NaN.
inline Vector<float> exp_negative(Vector<float> x) {
  const float kLog2e = 1.44269504f, kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;
  // 1.5 * 2^23 + 127: adding it rounds to a whole number n, and n + 127, the exponent of 2^n, is in the last
  // bits.
  const float kRound = 12583039.0f;
  const Vector<float> in = x < -88.0f ? all(-88.0f) : x;  // of which n is -127, and 2^n then 0
  const Vector<float> rounded = in * kLog2e + kRound;
  const Vector<float> n = rounded - kRound;
  const Vector<float> r = (in - n * kLn2High) - n * kLn2Low;
  Vector<float> p = all(1.0f / 5040);  // the Taylor series: 0.35^8 / 8! is below 2^-27
  for (float c : {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f}) p = p * r + c;
  Bits power;
  __builtin_memcpy(&power, &rounded, sizeof power);
  power <<= 23;
  Vector<float> scale;
  __builtin_memcpy(&scale, &power, sizeof scale);
  return p * scale;
}

inline Vector<double> exp_negative(Vector<double> x) {
  for (Index i = 0; i < Lanes<double>::count; ++i) x[i] = __builtin_exp(x[i]);
  return x;
}

/// Phi(x), the distribution function of the normal, and gauss = exp(-x^2 / 2).
inline Vector<float> normal_cdf(Vector<float> x, Vector<float>& gauss) {
  gauss = exp_negative(x * x * -0.5f);
  // erfc(a) exp(a^2) / 2 for a = |x| / sqrt(2) as a polynomial in t = 1 / (1 + 0.475 a), fitted to a in
  // [0, 9.3] for the least relative error, 9e-9 (tools/fit_erfc.py).
  const Vector<float> t = 1.0f / (1.0f + 0.33587572f * (x < 0.0f ? -x : x));
  Vector<float> p = all(-0.027983535277125406f);
  for (float c : {0.15303595300247633f, -0.313939266908632f, 0.2625692556662149f, -0.08686239532945711f,
                  0.1355227497199908f, 0.10827835194526729f, 0.1355014126217338f, 0.13387320633671596f,
                  4.263864481761847e-06f}) {
    p = p * t + c;
  }
  const Vector<float> tail = gauss * p;
  return x < 0.0f ? tail : 1.0f - tail;
}

inline Vector<double> normal_cdf(Vector<double> x, Vector<double>& gauss) {
  Vector<double> y = {};
  for (Index i = 0; i < Lanes<double>::count; ++i) {
    gauss[i] = __builtin_exp(-0.5 * x[i] * x[i]);
    y[i] = 0.5 * __builtin_erfc(-x[i] * 0.70710678118654752440);
  }
  return y;
}

/// x Phi(x), and its slope Phi(x) + x phi(x).
template <class V>
inline V gelu_of(V x, V* slope) {
  using T = decltype(x[0] + x[0]);
  const T kInverseRootTwoPi = static_cast<T>(0.39894228040143267794);
  V gauss;
  const V cdf = normal_cdf(x, gauss);
  if (slope) *slope = cdf + x * gauss * kInverseRootTwoPi;
  return x * cdf;
}

/// x s with s = sigmoid(u) and u = linear x + cubic x^3, and its slope s + x s (1 - s) u'.
template <class V, class T>
inline V gated(V x, T linear, T cubic, V* slope) {
  const V square = x * x, u = x * (linear + cubic * square);
  const V e = exp_negative(u < T{0} ? u : -u);  // of the smaller of the two, so that nothing overflows
  const V s = (u < T{0} ? e : all(T{1})) / (1 + e);
  if (slope) *slope = s + x * s * (1 - s) * (linear + 3 * cubic * square);
  return x * s;
}

inline float log_of(float x) {
  return __builtin_logf(x);
}
inline double log_of(double x) {
  return __builtin_log(x);
}
inline float root_of(float x) {
  return __builtin_sqrtf(x);
}
inline double root_of(double x) {
  return __builtin_sqrt(x);
}
