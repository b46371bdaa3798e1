#if defined(__x86_64__)
#define ENGINE_SIMD_SET avx2
#define ENGINE_SIMD_BYTES 32
#define ENGINE_SIMD_TILE_ROWS 6
#define ENGINE_SIMD_TILE_VECTORS 2
#include "engine/kernels/simd/table.h"
#endif
