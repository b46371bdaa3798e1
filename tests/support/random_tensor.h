#pragma once

#include "engine/tensor/random.h"

namespace support {

/// Normal values that depend on `stream` and the shape alone. f32 ones are the f64 ones rounded.
inline engine::Tensor random_tensor(engine::Shape shape, std::uint64_t stream,
                                    engine::Dtype dtype = engine::Dtype::f32, double std = 1) {
  engine::Random random(2024, engine::Random::Use::test, stream);
  return engine::normal(std::move(shape), random, std, engine::Dtype::f64).to(dtype);
}

}  // namespace support
