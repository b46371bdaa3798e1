#pragma once

#include <string>

#include "models/vit.h"

namespace training {

using engine::Index;

/// The highest cut of models::Vit below which nothing trains now and nothing is attached or scored: what lies
/// below it gives the same for an image in every pass. 0 where there is none.
Index highest_cut(models::Vit& model);

/// What lies below a cut, in words: "blocks 1 to 8", "all blocks", "the backbone".
std::string words_below(Index cut, Index blocks);

/// What is above a cut as a name of a file has it: "block9", "norm", "head".
std::string name_above(Index cut, Index blocks);

}  // namespace training
