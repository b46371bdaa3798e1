#define ENGINE_SIMD_SET baseline
#define ENGINE_SIMD_BYTES 16
#define ENGINE_SIMD_TILE_ROWS 4
#define ENGINE_SIMD_TILE_VECTORS 2
#include "engine/kernels/simd/table.h"
