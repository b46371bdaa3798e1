#pragma once

namespace engine {

/// How many pieces of `size` it takes to hold `count`: count / size, rounded up. For count >= 0 and size > 0.
template <class Integer>
constexpr Integer div_up(Integer count, Integer size) {
  return count / size + (count % size != 0 ? 1 : 0);  // no sum that may overflow
}

/// `count` rounded up to a multiple of `unit`.
template <class Integer>
constexpr Integer round_up(Integer count, Integer unit) {
  return div_up(count, unit) * unit;
}

}  // namespace engine
