#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace data::parquet {

/// Leaves values as they lie in memory where a vector would set them to 0: clearing a megabyte takes as long
/// as reading it.
template <class T>
struct Uninitialized : std::allocator<T> {
  template <class U>
  struct rebind {
    using other = Uninitialized<U>;
  };
  template <class U, class... Arguments>
  void construct(U* place, Arguments&&... arguments) {
    if constexpr (sizeof...(Arguments) > 0) std::construct_at(place, std::forward<Arguments>(arguments)...);
  }
};

/// Bytes that are about to be written.
using Buffer = std::vector<std::byte, Uninitialized<std::byte>>;

}  // namespace data::parquet
