// The inner loops of simd.h, written once over vectors and compiled once per instruction set.

#include "engine/kernels/simd_sets.h"

namespace engine::kernels::ENGINE_SIMD_SET {
namespace {

#include "engine/kernels/simd/vector.h"

#include "engine/kernels/simd/math.h"

#include "engine/kernels/simd/tile.h"

#include "engine/kernels/simd/rows.h"

#include "engine/kernels/simd/softmax.h"

template <class T>
constexpr Simd<T> table(const char* name) {
  return {.name = {name, __builtin_strlen(name)},
          .tiles = tiles<T, false>(),
          .short_tiles = tiles<T, true>(),
          .thin = {thin_tile<T, kTileRows / 4>(), thin_tile<T, kTileRows / 2>(), thin_tile<T, kTileRows>()},
          .dots = dots<T>,
          .transpose = transpose<T>,
          .copy = copy<T>,
          .deal = deal<T, kTileVectors * Lanes<T>::count>,
          .deal_tile_rows = deal<T, kTileRows>,
          .epilogue = epilogue<T>,
          .activate = activate<T>,
          .activate_backward = activate_backward<T>,
          .layer_norm = layer_norm<T>,
          .layer_norm_backward = layer_norm_backward<T>,
          .rms_norm = rms_norm<T>,
          .rms_norm_backward = rms_norm_backward<T>,
          .dot = dot<T>,
          .sketch_rows = sketch_rows<T>,
          .add = add<T>,
          .add_rows = add_rows<T>,
          .softmax = softmax<T>,
          .softmax_from_lse = softmax_from_lse<T>,
          .softmax_backward = softmax_backward<T>,
          .per_round = kChains * Lanes<T>::count,
          .multiply_add = multiply_add<T>};
}

#define ENGINE_SIMD_TEXT(x) #x
#define ENGINE_SIMD_NAME(x) ENGINE_SIMD_TEXT(x)
constexpr Simd<float> kF32 = table<float>(ENGINE_SIMD_NAME(ENGINE_SIMD_SET));
constexpr Simd<double> kF64 = table<double>(ENGINE_SIMD_NAME(ENGINE_SIMD_SET));

}  // namespace

const Simd<float>& f32() {
  return kF32;
}
const Simd<double>& f64() {
  return kF64;
}

}  // namespace engine::kernels::ENGINE_SIMD_SET
