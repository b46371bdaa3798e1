#include "engine/kernels/reduce.h"

#include "engine/base/div_up.h"
#include "engine/kernels/simd.h"

namespace engine::kernels {

template <class T>
void column_sums(Index rows, Index columns, const T* x, T* sums) {
  constexpr Index kRows = 256, kColumns = 384;
  const Index down = div_up(rows, kRows), across = div_up(columns, kColumns);
  std::vector<T> partial(static_cast<std::size_t>(down * columns));
  parallel_for(down * across, [&](Index task) {
    const Index row = task / across * kRows, column = task % across * kColumns;
    simd<T>().add_rows(std::min(kRows, rows - row), std::min(kColumns, columns - column),
                       x + row * columns + column, columns,
                       partial.data() + task / across * columns + column);
  });
  std::fill_n(sums, columns, T{0});
  simd<T>().add_rows(down, columns, partial.data(), columns, sums);
}

template void column_sums(Index, Index, const float*, float*);
template void column_sums(Index, Index, const double*, double*);

}  // namespace engine::kernels
