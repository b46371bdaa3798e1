#pragma once

#include <optional>
#include <string_view>

#include "models/vit_config.h"

/// The words for what a model is, as deltas and merged files have them in their metadata; where timm has a
/// word, it is timm's.
namespace models {

std::string_view word_of(Pooling pooling);         ///< token, avg, map, token_avg
std::string_view word_of(engine::Activation act);  ///< gelu, gelu_tanh, quick_gelu, silu
std::string_view word_of(Resampling resampling);   ///< bicubic-antialias, bicubic, ...
std::string_view word_of(RopeConfig::Kind kind);   ///< none, dinov3, axial, mixed
std::string_view word_of(Positions positions);     ///< none, patches, all_but_registers, all

/// The value with that word; nothing when there is none.
std::optional<Pooling> pooling_named(std::string_view word);
std::optional<engine::Activation> activation_named(std::string_view word);
std::optional<Resampling> resampling_named(std::string_view word);
std::optional<RopeConfig::Kind> rope_kind_named(std::string_view word);
std::optional<Positions> positions_named(std::string_view word);

}  // namespace models
