#include "engine/io/safetensors_dtype.h"

#include <algorithm>

namespace engine {
namespace {

// The order of `enum Dtype` in the format's reference code (huggingface/safetensors, tensor.rs).
constexpr SafetensorsDtype kDtypes[] = {
    {"BOOL", 8, {}, 0},
    {"F4", 4, {}, 1},
    {"F6_E2M3", 6, {}, 2},
    {"F6_E3M2", 6, {}, 3},
    {"U8", 8, Dtype::u8, 4},
    {"I8", 8, {}, 5},
    {"F8_E5M2", 8, {}, 6},
    {"F8_E4M3", 8, {}, 7},
    {"F8_E8M0", 8, {}, 8},
    {"F8_E4M3FNUZ", 8, {}, 9},
    {"F8_E5M2FNUZ", 8, {}, 10},
    {"I16", 16, {}, 11},
    {"U16", 16, {}, 12},
    {"F16", 16, Dtype::f16, 13},
    {"BF16", 16, Dtype::bf16, 14},
    {"I32", 32, {}, 15},
    {"U32", 32, {}, 16},
    {"F32", 32, Dtype::f32, 17},
    {"C64", 64, {}, 18},
    {"F64", 64, Dtype::f64, 19},
    {"I64", 64, Dtype::i64, 20},
    {"U64", 64, {}, 21},
};

}  // namespace

const SafetensorsDtype* find_safetensors_dtype(std::string_view name) {
  const auto found = std::ranges::find(kDtypes, name, &SafetensorsDtype::name);
  return found == std::end(kDtypes) ? nullptr : found;
}

const SafetensorsDtype& safetensors_dtype(Dtype dtype) {
  return *std::ranges::find(kDtypes, dtype, &SafetensorsDtype::dtype);
}

}  // namespace engine
