#pragma once

#include <string>
#include <vector>

#include "engine/nn/state.h"
#include "models/zoo.h"

namespace models {

/// A checkpoint's tensors under timm's names, and what was done for it.
struct TimmNames {
  engine::NamedTensors tensors;
  std::vector<std::string> left_out;  ///< the parts that are no classifier's: "decoder", "teacher"
  bool torchvision = false;           ///< the names were torchvision's
  /// How the library of these names makes positions for another image size.
  Resampling resampling = Resampling::bicubic_antialias;
  std::optional<Pooling> pooling = {};  ///< of the library's classifiers, where the tensors do not say it
};

/// Reads the names of the libraries in models/dialects: what they keep apart is joined (queries, keys and
/// values), what they pack is cut, and what their blocks share each block gets. What stands before all names,
/// as wrappers of models leave it (module., _orig_mod., backbone., vit.), is taken off; only a head may stand
/// outside. Towers and copies that no classifier reads (decoder, teacher, averages, a text tower) and Hugging
/// Face's pooler are left out beside one, and with `with_head` false what may be a head, too. Of `facts` the
/// pooling decides what of the tensors it reads, and pooled_norm which norm the one is that the names have.
/// Other names stay as they are, for load_state to report. Throws an Error that gives both names where two
/// tensors would have one place, and one that gives the prefix where not every name has it.
TimmNames read_names(const engine::NamedTensors& state, bool with_head = true, const Facts& facts = {});
/// Its tensors alone.
engine::NamedTensors to_timm_names(const engine::NamedTensors& state);

/// The way back: tensors with timm's names under the names that `like`, a checkpoint, uses. Joined queries,
/// keys and values are cut apart; what `like` has beside the classifier's tensors is copied, but no head that
/// was left out. Throws an Error where blocks differ in what `like` has once for all, and where its dialect
/// has no name for a tensor.
engine::NamedTensors to_names_of(const engine::NamedTensors& timm, const engine::NamedTensors& like);

}  // namespace models
