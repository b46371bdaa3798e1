#include "models/words.h"

#include <algorithm>
#include <span>

namespace models {

using engine::Activation;

namespace {

template <class T>
struct Word {
  T value;
  std::string_view word;
};

constexpr Word<Pooling> kPoolings[] = {{Pooling::token, "token"},
                                       {Pooling::average, "avg"},
                                       {Pooling::attention, "map"},
                                       {Pooling::token_and_average, "token_avg"}};
constexpr Word<Activation> kActivations[] = {{Activation::gelu, "gelu"},
                                             {Activation::gelu_tanh, "gelu_tanh"},
                                             {Activation::quick_gelu, "quick_gelu"},
                                             {Activation::silu, "silu"}};
constexpr Word<Resampling> kResamplings[] = {{Resampling::bicubic_antialias, "bicubic-antialias"},
                                             {Resampling::bicubic, "bicubic"},
                                             {Resampling::bicubic_corners, "bicubic-corners"},
                                             {Resampling::bilinear, "bilinear"},
                                             {Resampling::bilinear_corners, "bilinear-corners"}};
constexpr Word<RopeConfig::Kind> kRopes[] = {{RopeConfig::Kind::none, "none"},
                                             {RopeConfig::Kind::dinov3, "dinov3"},
                                             {RopeConfig::Kind::axial, "axial"},
                                             {RopeConfig::Kind::mixed, "mixed"}};
constexpr Word<Positions> kPositions[] = {{Positions::none, "none"},
                                          {Positions::patches, "patches"},
                                          {Positions::all_but_registers, "all_but_registers"},
                                          {Positions::all, "all"}};

template <class T>
std::string_view word_in(std::span<const Word<T>> words, T value) {
  const auto found = std::ranges::find(words, value, &Word<T>::value);
  return found == words.end() ? std::string_view() : found->word;
}

template <class T>
std::optional<T> value_in(std::span<const Word<T>> words, std::string_view word) {
  const auto found = std::ranges::find(words, word, &Word<T>::word);
  return found == words.end() ? std::nullopt : std::optional(found->value);
}

}  // namespace

std::string_view word_of(Pooling pooling) {
  return word_in<Pooling>(kPoolings, pooling);
}
std::string_view word_of(Activation act) {
  return word_in<Activation>(kActivations, act);
}
std::string_view word_of(Resampling resampling) {
  return word_in<Resampling>(kResamplings, resampling);
}
std::string_view word_of(RopeConfig::Kind kind) {
  return word_in<RopeConfig::Kind>(kRopes, kind);
}
std::string_view word_of(Positions positions) {
  return word_in<Positions>(kPositions, positions);
}

std::optional<Pooling> pooling_named(std::string_view word) {
  return value_in<Pooling>(kPoolings, word);
}
std::optional<Activation> activation_named(std::string_view word) {
  return value_in<Activation>(kActivations, word);
}
std::optional<Resampling> resampling_named(std::string_view word) {
  return value_in<Resampling>(kResamplings, word);
}
std::optional<RopeConfig::Kind> rope_kind_named(std::string_view word) {
  return value_in<RopeConfig::Kind>(kRopes, word);
}
std::optional<Positions> positions_named(std::string_view word) {
  return value_in<Positions>(kPositions, word);
}

}  // namespace models
