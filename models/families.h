#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "models/zoo.h"

namespace models {

/// Architectures that belong together, by their names.
struct Family {
  const char* name;      ///< "DINOv2"
  const char* patterns;  ///< globs of names, with spaces between
};

/// Every family, the plain ViT first.
std::span<const Family> families();
/// The family of an architecture's name: the first with a glob that it matches; nullptr when there is none.
const Family* family_of(std::string_view architecture);
/// Its architectures, whether or not they can be made.
std::vector<const Architecture*> architectures_of(const Family& family);
/// The names of the families of which at least one architecture can be made.
std::vector<std::string> implemented_families();

}  // namespace models
