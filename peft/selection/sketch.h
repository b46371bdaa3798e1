#pragma once

#include <map>

#include "peft/selection/score.h"
#include "peft/selection/units.h"

namespace peft {

/// Sketched scores of rows and columns. With G the gradient summed over the batches and R a random count
/// sketch (engine::CountSketch) of `r` sums, row i of G R^T has the expected squared length of row i of G.
/// Two entries meet with probability 1 / r, or never. So its variance is at most
/// 2 (|g|^4 - sum_j g_j^4) / r, below 2 |g|^4 / r: a relative error of about sqrt(2 / r). Because
/// G R^T = sum over batches of dy^T (x R^T), neither G nor its arithmetic is needed. Columns alike, with R G.

/// The sketch of the gradient of `target` that stands for its rows or columns, whichever `units` takes; the
/// whole gradient where r sums are no fewer than what they add up. Every seed and parameter
/// has a stream of random numbers of its own. Throws an Error when units are elements: those have no sketch.
engine::GradientForm sketch_of(const engine::NamedParameter& target, const Units& units, engine::Index r,
                               std::uint64_t seed);

/// After how many of `all` batches the finalists are rescored: a quarter. Never (0) where their number is
/// unknown (0), or only one.
engine::Index rescored_after(engine::Index all);

/// Of every target accumulated in mixtures, the `r` units (k at least) with the largest sketches are the
/// finalists: they are accumulated from now on, themselves and exactly, and nothing else of it. Returns the
/// share of the squared sketch that they capture, by the target's name.
std::map<std::string, double> rescore_finalists(const std::vector<engine::NamedParameter>& targets,
                                                const Units& units, engine::Index r);

/// --score-sketch.
std::vector<OptionInfo> sketch_option();

}  // namespace peft
