#if defined(__x86_64__)
#define ENGINE_SIMD_SET avx512
#define ENGINE_SIMD_BYTES 64
#define ENGINE_SIMD_TILE_ROWS 8
#define ENGINE_SIMD_TILE_VECTORS 3
#include "engine/kernels/simd/table.h"
#endif
