#pragma once

#include <string>
#include <vector>

#include "engine/nn/roles.h"
#include "engine/tensor/random.h"

namespace peft {

/// True for the bias of a linear layer or convolution: its layer's weight is a matrix. Norms' biases are not.
bool is_linear_bias(const std::string& name, const std::vector<engine::NamedParameter>& all);

/// These elements; nothing when there are none.
engine::Selection elements_or_none(std::vector<engine::Index> at);

/// The random numbers a method draws for something of that name: every name has a stream of its own.
engine::Random random_of(std::uint64_t seed, const std::string& name, std::uint64_t draw = 0);

/// True when the pattern (`*` for any characters, `?` for one) matches the name. Where queries, keys and
/// values have matrices of their own, `qkv` stands for all three.
bool matches_target(const std::string& pattern, const std::string& name);
bool matches_target(const std::vector<std::string>& patterns, const std::string& name);
/// Throws an Error with the nearest names when a pattern matches none of them; `kind` is what they name.
void check_targets(const std::vector<std::string>& patterns, const std::vector<std::string>& names,
                   const std::string& kind);

/// True for the weight of a linear layer or convolution.
bool is_weight_matrix(const engine::NamedParameter& p);

/// The parameters of these layers outside the head.
std::vector<engine::NamedParameter> parameters_of(engine::Module& model, const engine::LayerRange& layers);

/// The parameters that a method chooses from, of those that are in these layers. Without patterns: every
/// weight matrix but the head's, in the blocks and around them. With patterns: every parameter that one of
/// them matches, but the head's. Throws an Error when a pattern matches nothing in any layer, with the
/// nearest names.
std::vector<engine::NamedParameter> find_targets(engine::Module& model,
                                                 const std::vector<std::string>& patterns,
                                                 const engine::LayerRange& layers = {});

}  // namespace peft
