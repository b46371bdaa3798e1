#pragma once

#include "engine/nn/module.h"
#include "engine/ops/rotary.h"
#include "models/vit_config.h"

namespace models {

/// Where the patches of a model's images are: what attention by places asks for. The blocks of a model share
/// one.
class Geometry : public engine::Module {
 public:
  explicit Geometry(const VitConfig& config);

  Index down() const { return down_; }
  Index across() const { return across_; }
  Index patches() const { return down_ * across_; }
  /// For images of another size from now on.
  void resize(Index down, Index across);

  /// The turns of queries and keys in a block (engine::rotate); nothing without rotary position embeddings.
  engine::Tensor turns(Index block, engine::Dtype dtype) const;
  engine::RotaryPairs pairs() const;

  /// The frequencies of trained rotary embeddings, or nothing.
  void parts(engine::Parts& visit) override;

 private:
  RopeConfig rope_;
  Index half_;  ///< pairs of values in a head
  Index down_, across_;
  engine::Tensor fixed_[2];                 ///< turns that are not trained, in f32 and in f64
  std::optional<engine::Parameter> freqs_;  ///< [2, blocks, heads, half_]
};

}  // namespace models
