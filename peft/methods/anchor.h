#pragma once

#include <optional>

#include "engine/nn/module.h"
#include "peft/options.h"

namespace peft {

/// The pull to the pre-trained values, added to the loss: weight * sum of (w - w0)^2 over what
/// trains (L2-SP, Li et al. 2018; in GRFT over the chosen rows and columns). Frozen values never leave w0, so
/// they add nothing.
class Anchor {
 public:
  enum class Head { none, init, zero };  ///< the head is free, pulled to its first values, or pulled to zero
  struct Options {
    double weight = 0.01;
    std::optional<engine::Index> last_blocks;  ///< only the last N blocks; nothing means all of the model
    Head head = Head::none;
  };

  /// Keeps the present values of what trains in `all` and is to be pulled.
  Anchor(const Options& options, const std::vector<engine::NamedParameter>& all);

  /// Adds 2 weight (w - w0) to the gradients and returns the penalty.
  double pull() const;

 private:
  struct Pulled {
    engine::NamedParameter p;
    engine::Tensor origin;  ///< w0, packed
  };
  double weight_;
  std::vector<Pulled> pulled_;
};

/// The options of the pull, with its default weight and pull of the head.
std::vector<OptionInfo> anchor_options(const std::string& weight, const std::string& head = "none");
Anchor::Options read_anchor(const OptionValues& values);

}  // namespace peft
