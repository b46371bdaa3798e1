#pragma once

#include <string>

#include "engine/io/json.h"
#include "engine/io/safetensors.h"

namespace experiments {

/// What two selections have in common. For every parameter that either chose from: how many units each takes
/// (`units`, `against`), how many of them are the same (`common`) and their share of all that either takes
/// (`overlap`, the Jaccard index); with `gradients` (as `select --gradients` writes them) the squared
/// gradient that the first holds over that of the other (`energy`). Then the means over the parameters,
/// `overlap` and `energy`, and `total`, the ratio of the squared gradients of all parameters together; and
/// `differences`, a text for each way in which the first was made otherwise than the other, where both files
/// have a record of it. A
/// parameter chosen in rows by one and in columns by the other has nothing in common. Throws an Error for a
/// file that is no selection or delta, and for gradients that do not fit.
engine::Json overlap_of(const engine::Safetensors& selection, const engine::Safetensors& against,
                        const engine::Safetensors* gradients);

/// The same as a table with a row for each parameter, and the means below it.
std::string overlap_table(const engine::Json& overlap);

}  // namespace experiments
