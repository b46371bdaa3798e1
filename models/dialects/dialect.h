#pragma once

#include <optional>
#include <span>

#include "models/vit_config.h"

/// The names that libraries give to the tensors of a Vision Transformer, as tables: one file a library.
namespace models {

/// How a file's tensor and the model's fit each other.
enum class Fit {
  whole,
  query,           ///< it is the first third of the model's rows,
  key,             ///< the second,
  value,           ///< the third
  packed_query,    ///< its first third is the model's,
  packed_keys,     ///< its other two thirds are
  three_axes,      ///< the same with axes of 1 before: [tokens, width] is [1, tokens, width]
  in_every_block,  ///< each block has it
  unread           ///< no classifier reads it; with an empty timm name it is not even worth a note
};

/// A tensor under a library's name and under timm's. In both, # is a block (in the library's name with what
/// stands before its number), and a * at the end is any rest. The first rule counts that matches, but of a
/// packed tensor all do.
struct Rule {
  const char *name, *timm;
  Fit fit = Fit::whole;
  /// Names separated by blanks, of which the file must have one; none of them where ! comes first.
  const char* condition = "";
};

struct Dialect {
  const char* sign;                                      ///< a name that only this dialect has
  const char* beside = "";                               ///< another that must be there, too
  std::span<const char* const> blocks;                   ///< what stands before the number of a block
  std::span<const char* const> towers = {};              ///< one may stand before every name but the head's
  const char* head;                                      ///< stands before the names of the head's tensors
  const char *token_head = "", *distillation_head = "";  ///< the same where there are two heads
  Resampling resampling;
  std::optional<Resampling> resampling_with_registers = {};
  const char* unread_by_average = "";  ///< what the library's classifiers by the average do not read
  std::span<const Rule> rules;
};

extern const Dialect kTimm, kHuggingFaceVit, kHuggingFaceDinov3, kHuggingFaceClip, kHuggingFaceSiglip,
    kOpenClip, kTorchvision;

}  // namespace models
