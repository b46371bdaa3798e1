#pragma once

#include <optional>
#include <string>

#include "data/transforms.h"
#include "tools/cli/args.h"

namespace cli {

/// Where the model, and how its images are prepared, comes from: the shared options of the commands.
struct ModelOptions {
  std::string model, arch, mean, std, interpolation, resize;
  Index image_size = 0;  ///< 0: the checkpoint's
  Index seed = 0, threads = 0;

  void add_to(Args& args);
  /// Throws a UsageError when no model or two are asked for, or a value makes no sense.
  void check() const;
  /// How images of `size` pixels a side are prepared: as a file `told`, else in the standard way, which is
  /// noted, and as the options say. Throws a UsageError when a value makes no sense.
  data::Preprocessing preprocessing(const std::optional<data::Preprocessing>& told, Index size) const;

 private:
  void override_with_options(data::Preprocessing& how) const;
};

}  // namespace cli
