#include "engine/tensor/permuted.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace engine {
namespace {

/// Goes through the result in order; `Value` has the size of the dtype.
template <class Value>
void permute(const std::byte* from, std::byte* to, const std::vector<Index>& dims,
             const std::vector<Index>& strides, Index count) {
  constexpr Index kBytes = sizeof(Value);
  std::vector<Index> at(dims.size(), 0);
  const Index inner = dims.back(), step = strides.back() * kBytes;
  for (Index done = 0, begin = 0; done < count; done += inner) {
    for (Index i = 0; i < inner; ++i)
      std::memcpy(to + (done + i) * kBytes, from + begin * kBytes + i * step, sizeof(Value));
    for (std::size_t axis = dims.size() - 1; axis-- > 0;) {
      begin += strides[axis];
      if (++at[axis] < dims[axis]) break;
      begin -= dims[axis] * strides[axis];
      at[axis] = 0;
    }
  }
}

}  // namespace

Tensor permuted(const Tensor& t, std::span<const int> axes) {
  const std::size_t rank = axes.size();
  std::vector<int> sorted(axes.begin(), axes.end());
  std::ranges::sort(sorted);
  bool each_once = static_cast<int>(rank) == t.shape().rank();
  for (std::size_t i = 0; i < rank; ++i) each_once = each_once && sorted[i] == static_cast<int>(i);
  check(each_once, "permuted: the axes of", t.shape(), "should each be named once");

  std::vector<Index> stride_of(rank, 1), dims(rank), strides(rank);
  for (std::size_t i = rank; i-- > 1;) stride_of[i - 1] = stride_of[i] * t.shape().dims()[i];
  for (std::size_t i = 0; i < rank; ++i) {
    dims[i] = t.shape().dims()[static_cast<std::size_t>(axes[i])];
    strides[i] = stride_of[static_cast<std::size_t>(axes[i])];
  }
  Tensor result = Tensor::uninitialized(Shape(dims), t.dtype());
  if (rank == 0) dims = {1}, strides = {1};
  if (t.numel() == 0) return result;
  switch (size_of(t.dtype())) {
    case 1:
      permute<std::uint8_t>(t.raw(), result.raw(), dims, strides, t.numel());
      break;
    case 2:
      permute<std::uint16_t>(t.raw(), result.raw(), dims, strides, t.numel());
      break;
    case 4:
      permute<std::uint32_t>(t.raw(), result.raw(), dims, strides, t.numel());
      break;
    default:
      permute<std::uint64_t>(t.raw(), result.raw(), dims, strides, t.numel());
      break;
  }
  return result;
}

}  // namespace engine
