#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "engine/io/safetensors_dtype.h"
#include "engine/tensor/shape.h"

namespace engine {

/// What stands before the values of a .npy array.
struct NpyHeader {
  const SafetensorsDtype* dtype;  ///< of the values, all little-endian
  Shape shape;
  bool fortran_order = false;  ///< the first axis is the innermost in memory
  std::size_t bytes = 0;       ///< of the header: the values follow
};

/// No header that is read has more bytes: NumPy reads no longer ones either.
constexpr std::size_t kMaxNpyHeader = 12 + 10'000;

/// Reads the header of versions 1 and 2 (numpy.lib.format) from `start`, the first kMaxNpyHeader bytes of an
/// array of `size` bytes, or all where there are fewer. The values fill the rest of the array exactly. Throws
/// an Error that begins with `who` for anything else: objects (which are pickles), structures, texts,
/// big-endian values.
NpyHeader parse_npy_header(std::span<const std::byte> start, std::uint64_t size, const std::string& who);

}  // namespace engine
