#pragma once

#include <string_view>

#include "engine/autograd/record.h"

/// The names of the ops, from ops.def: record(op::add, ...).
namespace engine::op {
#define ENGINE_OP(name) inline constexpr std::string_view name = #name;
#include "engine/ops/ops.def"
#undef ENGINE_OP
}  // namespace engine::op
