#include "engine/tensor/random.h"

#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

namespace engine {
namespace {

/// Mixes all bits of `x` (the finaliser of SplitMix64), so that near stream names give far keys.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

Tensor fill(Shape shape, Dtype dtype, auto draw) {
  Tensor t = Tensor::uninitialized(std::move(shape), dtype);
  visit(dtype, [&]<class T>() {
    for (T& value : t.data<T>()) value = static_cast<T>(draw());
  });
  return t;
}

}  // namespace

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xd2511f53u} * counter[0];
    const std::uint64_t b = std::uint64_t{0xcd9e8d57u} * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9e3779b9u;
    key[1] += 0xbb67ae85u;
  }
  return counter;
}

Random::Random(std::uint64_t seed, Use use, std::uint64_t a, std::uint64_t b) {
  const std::uint64_t key = mix(seed);
  const std::uint64_t stream = mix(mix(mix(static_cast<std::uint64_t>(use)) ^ a) ^ b);
  key_ = {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)};
  counter_ = {0, 0, static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32)};
}

std::uint32_t Random::bits() {
  if (used_ == 4) {
    block_ = philox(counter_, key_);
    if (++counter_[0] == 0) ++counter_[1];
    used_ = 0;
  }
  return block_[static_cast<std::size_t>(used_++)];
}

double Random::uniform() {
  const std::uint64_t high = bits() >> 5, low = bits() >> 6;  // 27 + 26 = 53 bits
  return static_cast<double>(high << 26 | low) * 0x1p-53;
}

Index Random::below(Index count) {
  check(count > 0, "random: below() needs a positive count, not", count);
  const std::uint64_t n = static_cast<std::uint64_t>(count);
  const std::uint64_t limit =
      ~std::uint64_t{0} - ~std::uint64_t{0} % n;  // a multiple of n: no value is favoured
  std::uint64_t draw;
  do {
    draw = static_cast<std::uint64_t>(bits()) << 32;
    draw |= bits();
  } while (draw >= limit);
  return static_cast<Index>(draw % n);
}

double Random::normal() {
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

double Random::gamma(double shape) {
  check(shape > 0, "random: gamma needs a positive shape, not", shape);
  if (shape < 1) {
    const double power = std::pow(1 - uniform(), 1 / shape);
    return gamma(shape + 1) * power;
  }
  const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = normal(), v = std::pow(1 + c * x, 3);
    if (v > 0 && std::log(1 - uniform()) < x * x / 2 + d - d * v + d * std::log(v)) return d * v;
  }
}

double Random::beta(double a) {
  const double x = gamma(a), y = gamma(a);
  if (x + y > 0) return x / (x + y);
  return uniform() < 0.5 ? 0 : 1;  // both are too small for a double: Beta(a, a) lies at its ends
}

std::vector<Index> Random::permutation(Index count) {
  std::vector<Index> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), Index{0});
  for (Index i = count - 1; i > 0; --i)
    std::swap(order[static_cast<std::size_t>(i)], order[static_cast<std::size_t>(below(i + 1))]);
  return order;
}

Tensor normal(Shape shape, Random& random, double std, Dtype dtype) {
  return fill(std::move(shape), dtype, [&] { return std * random.normal(); });
}

Tensor trunc_normal(Shape shape, Random& random, double std, Dtype dtype) {
  check(std > 0 && std <= 1, "random: trunc_normal needs a standard deviation in (0, 1], not", std);
  return fill(std::move(shape), dtype, [&] {
    double value;
    do value = std * random.normal();
    while (std::abs(value) > 2);
    return value;
  });
}

}  // namespace engine
